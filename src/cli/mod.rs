//! The command line: what can be said, and who does it.
//!
//! [`run`] reads the arguments and hands each command to the module that carries it out. Whatever
//! is wrong with the arguments or the config file is said in a sentence on standard error, and the
//! exit status is 2.

mod args;
mod config;
mod dashboard;
mod demo_server;
mod duration;
mod flow;
mod impair;
mod kept;
mod keys;
mod limits;
mod lint;
mod look;
mod pages;
mod profile;
mod raw;
mod send;
mod serve;
mod signals;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use args::{Args, Command};

use crate::{
    config::LoadError,
    outlet::{Outlet, Stream},
    sip::escape,
};

/// Runs the program with the arguments that it was started with.
pub fn run() -> ExitCode {
    let code = match dispatch(Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            match error.downcast_ref() {
                // `file:line:column: …`, as editors read it.
                Some(LoadError::Invalid(invalid)) => say(&format!("{invalid}\n")),
                _ => tell(&format!("{error:#}")),
            }
            USAGE
        }
    };
    Outlet::finish();
    ExitCode::from(code)
}

fn dispatch(args: Args) -> anyhow::Result<u8> {
    let Some(command) = args.command else { return dashboard::run(&args.profile, &args.impair) };
    // `sipboard --account bob send …` means the same as `sipboard send --account bob …`.
    match command {
        Command::Send(mut send) => {
            send.profile.inherit(args.profile);
            send.impair.inherit(args.impair);
            send::run(*send)
        }
        Command::Config { command, config: named } => {
            args.profile.refuse_account_and_demo("config")?;
            args.impair.refuse("config")?;
            config::run(command, named.or(args.profile.config))
        }
        Command::Serve(serve) => {
            args.profile.refuse("serve")?;
            args.impair.refuse("serve")?;
            serve::run(&serve)
        }
        Command::Lint { files, json, limits } => {
            args.profile.refuse("lint")?;
            args.impair.refuse("lint")?;
            lint::run(&files, json, limits.limits(), &mut io::stdout().lock())
        }
        Command::Completions { shell } => {
            args.profile.refuse("completions")?;
            args.impair.refuse("completions")?;
            pages::completions(shell)
        }
        Command::Man { page } => {
            args.profile.refuse("man")?;
            args.impair.refuse("man")?;
            pages::man(page.as_deref())
        }
    }
}

/// Prints a whole text; a reader that has seen enough is no mistake.
fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::anyhow!("standard output takes no more: {error}"))
        }
        _ => Ok(()),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    use anyhow::Context as _;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}

/// Runs what does one thing and has no screen: on one thread, since to wake another one for each
/// message takes longer than the message; and as a task, since each wake of the future that a
/// runtime blocks on is two system calls.
fn run_on_one_thread<T: Send + 'static>(
    future: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    use anyhow::Context as _;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    match runtime.block_on(runtime.spawn(future)) {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The exit status for a usage or config error.
const USAGE: u8 = 2;

/// A sentence on standard error.
fn tell(text: &str) {
    say(&format!("sipboard: {}\n", escape(text)));
}

/// Something on standard error. Nobody waits for it to be read before the end.
fn say(text: &str) {
    Outlet::standard().hand(Stream::Err, text.as_bytes());
}
