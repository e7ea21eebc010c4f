//! The switches that say how much a message may hold; the config file has the same names.

use std::ops::RangeInclusive;

use clap::{
    Args,
    builder::{RangedU64ValueParser, TypedValueParser},
};

use crate::{config::limits as bounds, sip::Limits};

/// How much a message may hold; what is left out has its default.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// The most bytes that a message may have; 4194304 where it is not said
    #[arg(long, value_name = "N", value_parser = within(bounds::BYTES))]
    max_message_bytes: Option<usize>,
    /// The most headers; 1024 where it is not said
    #[arg(long, value_name = "N", value_parser = within(bounds::COUNT))]
    max_headers: Option<usize>,
    /// The most bytes that the start line or a header may have, folds included; 65536 where it is
    /// not said
    #[arg(long, value_name = "N", value_parser = within(bounds::BYTES))]
    max_line_bytes: Option<usize>,
    /// The most parameters that a header may have; 1024 where it is not said
    #[arg(long, value_name = "N", value_parser = within(bounds::COUNT))]
    max_parameters: Option<usize>,
    /// How deep multipart bodies may stand in each other; 8 where it is not said
    #[arg(long, value_name = "N", value_parser = within(bounds::DEPTH))]
    max_nesting: Option<usize>,
}

impl LimitArgs {
    pub(super) fn limits(self) -> Limits {
        let default = Limits::default();
        Limits {
            message: self.max_message_bytes.unwrap_or(default.message),
            headers: self.max_headers.unwrap_or(default.headers),
            line: self.max_line_bytes.unwrap_or(default.line),
            parameters: self.max_parameters.unwrap_or(default.parameters),
            nesting: self.max_nesting.unwrap_or(default.nesting),
        }
    }
}

fn within(range: RangeInclusive<u64>) -> impl TypedValueParser<Value = usize> {
    // The ranges fit any usize.
    RangedU64ValueParser::<u64>::new().range(range).map(|number| number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_tells_the_defaults_as_they_are() {
        let Limits { message, headers, line, parameters, nesting } = Limits::default();
        let command = LimitArgs::augment_args(clap::Command::new("x"));
        for (name, default) in [
            ("max_message_bytes", message),
            ("max_headers", headers),
            ("max_line_bytes", line),
            ("max_parameters", parameters),
            ("max_nesting", nesting),
        ] {
            let argument = command.get_arguments().find(|arg| arg.get_id() == name);
            let help = argument.and_then(|arg| arg.get_help()).expect("it has help").to_string();
            assert!(help.contains(&format!("; {default} where")), "{name}: {help}");
        }
    }
}
