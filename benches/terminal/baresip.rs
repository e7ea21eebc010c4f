//! baresip, a softphone that dials at a key too: `d`, the address, Enter.

use std::{env, path::Path, thread, time::Instant};

use portable_pty::CommandBuilder;

use crate::{
    peer::Peer,
    program::{Home, Program},
    unix::{Caller, QUIET, Took},
};

const PROGRAM: &str = "baresip";
/// Where Debian keeps its modules.
const MODULES: [&str; 2] = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];

pub struct Baresip {
    program: Program,
    peer: Peer,
    _home: Home,
}

impl Baresip {
    /// Starts it; or says what is missing.
    pub fn start() -> Result<Baresip, &'static str> {
        let lack = "it is not installed (Debian's packages baresip and baresip-core)";
        let modules = MODULES.into_iter().find(|folder| Path::new(folder).exists()).ok_or(lack)?;
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join(PROGRAM).exists()) {
            return Err(lack);
        }
        let peer = Peer::new();
        let config = format!(
            "module_path {modules}\nsip_listen 127.0.0.1:0\nmodule stdio.so\nmodule g711.so\n\
             module_app account.so\nmodule_app menu.so\n"
        );
        let accounts = format!("<sip:a@127.0.0.1:{}>;regint=0\n", peer.port());
        let files = [("config", &*config), ("accounts", &accounts), ("contacts", "")];
        let home = Home::new("baresip", &files);
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(["-f", &home.path("")]);
        let mut program = Program::start(command);
        program.writes("is ready");
        Ok(Baresip { program, peer, _home: home })
    }

    pub fn end(self) {
        self.program.end("q");
    }
}

impl Caller for Baresip {
    fn name(&self) -> &'static str {
        PROGRAM
    }

    fn call(&mut self, word: &str) -> Took {
        let address = format!("bob@127.0.0.1:{}", self.peer.port());
        self.program.press(&format!("d{address}"));
        self.program.writes(&address);
        thread::sleep(QUIET);
        let pressed = Instant::now();
        self.program.press("\n");
        let invite = self.peer.invite();
        thread::sleep(QUIET);
        let answered = Instant::now();
        self.peer.answer(&invite, &format!("486 {word}"));
        let shown = self.program.writes(word);
        Took { key: invite.at - pressed, screen: shown - answered }
    }
}
