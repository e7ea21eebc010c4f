//! What numbers and names that stand for something else mean.

/// The causes of Q.850 that gateways send most.
pub(super) const fn q850(cause: u16) -> &'static str {
    match cause {
        1 => "unallocated number",
        3 => "no route to destination",
        16 => "normal call clearing",
        17 => "user busy",
        18 => "no user responding",
        19 => "no answer",
        20 => "subscriber absent",
        21 => "call rejected",
        22 => "number changed",
        26 => "non-selected user clearing",
        27 => "destination out of order",
        28 => "invalid number format",
        31 => "normal, unspecified",
        34 => "no circuit available",
        38 => "network out of order",
        41 => "temporary failure",
        42 => "switching equipment congestion",
        47 => "resource unavailable",
        58 => "bearer capability not available",
        88 => "incompatible destination",
        102 => "recovery on timer expiry",
        127 => "interworking",
        _ => "",
    }
}

pub(super) fn option_tag(tag: &str) -> Option<String> {
    let says = match tag {
        "100rel" => "reliable provisional responses (RFC 3262)",
        "199" => "says when a leg has ended early (RFC 6228)",
        "answermode" => "answers by itself (RFC 5373)",
        "early-session" => "media of the early session of their own (RFC 3959)",
        "eventlist" => "subscriptions to lists (RFC 4662)",
        "from-change" => "may change From and To in a dialog (RFC 4916)",
        "gruu" => "one URI for one device (RFC 5627)",
        "histinfo" => "the way that a request took (RFC 7044)",
        "ice" => "ICE for media (RFC 5768)",
        "join" => "joins a dialog (RFC 3911)",
        "norefersub" => "REFER without a subscription (RFC 4488)",
        "outbound" => "connections kept by the client (RFC 5626)",
        "path" => "the way to a registered contact (RFC 3327)",
        "precondition" => "rings only once media can flow (RFC 3312)",
        "pref" => "the caller's wishes on devices (RFC 3840)",
        "privacy" => "hides the caller (RFC 3323)",
        "replaces" => "takes the place of a dialog (RFC 3891)",
        "sec-agree" => "agrees on security (RFC 3329)",
        "siprec" => "recording of sessions (RFC 7866)",
        "tdialog" => "names the dialog of a transfer (RFC 4538)",
        "timer" => "sessions that must be refreshed (RFC 4028)",
        "trickle-ice" => "ICE candidates one by one (RFC 8840)",
        "uui" => "data from user to user (RFC 7433)",
        _ => return None,
    };
    Some(format!("{tag}: {says}"))
}
