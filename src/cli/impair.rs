//! `--impair`: what is done to messages on purpose, over what the config file says. The doc comments
//! are the texts of `--help`, where a bracket is no link.
#![allow(rustdoc::broken_intra_doc_links)]

use clap::Args;

use crate::engine::{Impairments, Settings};

/// What is done to messages on purpose.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ImpairArgs {
    /// Drop, double, hold back or corrupt messages, such as 'out drop 30%' (repeatable)
    ///
    /// RULES are rules with ";" between them. A rule is [in|out] and one of drop, duplicate, corrupt,
    /// delay TIME or TIME..TIME (200ms..1s), reorder [TIME]; then, in any order, what limits it: 30%,
    /// first=3 (only the first 3 messages that all else applies to), method=INVITE,BYE (and what
    /// answers them), status=180,4xx,500-599, flow=1, transport=udp,ws. seed=42 makes chance repeat
    /// itself. Of several rules the first one that applies is carried out, and only that one. A
    /// reordered message goes behind the next of its flow, or after TIME (1s) at most. What is done to
    /// a message is told in its timeline. The rules of the config file do not hold then; '' is none.
    #[arg(long = "impair", value_name = "RULES", help_heading = "Impairment")]
    rules: Vec<Impairments>,
}

impl ImpairArgs {
    /// Takes over what stood before the command and not after it.
    pub(super) fn inherit(&mut self, outer: ImpairArgs) {
        if self.rules.is_empty() {
            self.rules = outer.rules;
        }
    }

    /// Refuses them for a command that has no use for them.
    pub(super) fn refuse(&self, command: &str) -> anyhow::Result<()> {
        if !self.rules.is_empty() {
            anyhow::bail!("--impair has no meaning with `sipboard {command}`: leave it out");
        }
        Ok(())
    }

    /// The settings, with what the options say.
    pub(super) fn over(&self, settings: &mut Settings) {
        if self.rules.is_empty() {
            return;
        }
        let mut wanted = Impairments::default();
        self.rules.iter().for_each(|rules| wanted.extend(rules.clone()));
        match wanted.seed {
            // A seed alone goes with the rules that there are.
            Some(seed) if wanted.is_empty() => settings.impair.seed = Some(seed),
            _ => settings.impair = wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_take_the_place_of_the_files_rules_but_a_seed_alone_does_not() {
        for (options, expected) in [
            (&[][..], "in drop; seed=1"),
            (&["out drop"], "out drop"),
            (&["out drop", "duplicate; seed=3"], "out drop; duplicate; seed=3"),
            (&["seed=7"], "in drop; seed=7"),
            (&[""], ""),
        ] {
            let rules = options.iter().map(|text| text.parse().unwrap()).collect();
            let impair = "in drop; seed=1".parse().unwrap();
            let mut settings = Settings { impair, ..Settings::default() };
            ImpairArgs { rules }.over(&mut settings);
            assert_eq!(settings.impair.to_string(), expected, "{options:?}");
        }
    }
}
