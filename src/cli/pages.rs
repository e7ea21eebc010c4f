//! Completion scripts and manual pages, made from the definition of the command line.

use clap::CommandFactory;

use crate::cli::{args::Args, print};

pub(super) fn completions(shell: clap_complete::Shell) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "sipboard", &mut script);
    print(&script)?;
    Ok(0)
}

/// The page of the program, or of one of its commands.
pub(super) fn man(command: Option<&str>) -> anyhow::Result<u8> {
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let page = match command {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                let names: Vec<&str> =
                    program.get_subcommands().map(|command| command.get_name()).collect();
                anyhow::bail!(
                    "there is no command {name:?}: the pages are {} and, without a name, the program's own",
                    names.join(", ")
                );
            }
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    print(&text)?;
    Ok(0)
}
