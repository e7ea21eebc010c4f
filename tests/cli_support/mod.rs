//! The real binary in a home of its own.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// How long anything may take before the test fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A home directory that nobody else has; removed at the end.
pub struct Home(PathBuf);

impl Home {
    pub fn new() -> Home {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sipboard-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary folder can be written");
        Home(path)
    }

    pub fn config_file(&self) -> PathBuf {
        self.0.join("config/sipboard/config.toml")
    }

    pub fn config(&self, text: &str) {
        let file = self.config_file();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// The binary with arguments; nothing on its standard input.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_sipboard"));
        command.args(args);
        command
    }

    /// Any program in this home.
    pub fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("HOME", &self.0)
            .env("XDG_CONFIG_HOME", self.0.join("config"))
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a finished process left behind.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The names of the events.
    pub fn events(&self) -> Vec<String> {
        self.json().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
    }
}

/// Runs the binary to its end.
pub fn sipboard(home: &Home, args: &[&str]) -> Ran {
    let child = home.command(args).spawn().expect("the binary can be started");
    finish(child)
}

/// Waits for the end of a process that says little; kills it at the deadline.
pub fn finish(mut child: Child) -> Ran {
    let reader = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                let _ = pipe.read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let out = reader(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let err = reader(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the process can be waited for") {
            break Some(status);
        }
        if begun.elapsed() > DEADLINE {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let (stdout, stderr) = (out.join().unwrap(), err.join().unwrap());
    let status = status.unwrap_or_else(|| {
        panic!(
            "still running after {DEADLINE:?}:\n{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        )
    });
    let Output { stdout, stderr, status } = Output { status, stdout, stderr };
    Ran {
        code: status.code(),
        out: String::from_utf8(stdout).expect("standard output is text"),
        err: String::from_utf8(stderr).expect("standard error is text"),
    }
}

/// Sends a signal to a process that this test started.
#[cfg(unix)]
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(status.expect("kill can be run").success());
}

/// `sipboard serve` as a process; ended with the test.
pub struct Serve {
    pub child: Child,
    pub udp: String,
    pub tcp: String,
    pub ws: String,
    pub tls: String,
    pub wss: String,
    pub ca_file: String,
    _home: Home,
}

impl Serve {
    pub fn start() -> Serve {
        let home = Home::new();
        let mut child = home.command(&["serve", "--json"]).spawn().expect("it can be started");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
        out.read_line(&mut line).expect("its output can be read");
        child.stdout = Some(out.into_inner());
        let value: serde_json::Value = match serde_json::from_str(&line) {
            Ok(value) => value,
            Err(error) => {
                let ran = finish(child);
                panic!("{error} in {line:?}: {}", ran.err);
            }
        };
        assert_eq!(value["event"], "listening");
        let udp = format!("sip:{};transport=udp", value["udp"].as_str().unwrap());
        let tcp = format!("sip:{};transport=tcp", value["tcp"].as_str().unwrap());
        let ws = value["ws"].as_str().unwrap().to_owned();
        let tls = format!("sips:{}", value["tls"].as_str().unwrap());
        let [wss, ca_file] = ["wss", "ca_file"].map(|key| value[key].as_str().unwrap().to_owned());
        Serve { child, udp, tcp, ws, tls, wss, ca_file, _home: home }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
