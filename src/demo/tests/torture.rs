//! What the server answers to each case of RFC 4475 and RFC 5118.

use std::{collections::BTreeSet, fs, path::Path};

use super::bench::Bench;
use crate::sip::{Message, Transport};

/// Case, status of the first final answer (0 for none), and a word of its reason phrase.
const CASES: [(&str, u16, &str); 61] = [
    // RFC 4475 §3.1.1: valid. The users are nobody that the server knows, so each is answered.
    // RFC 3261 §12.2.2: it has a To tag, of a dialog that is not there.
    ("wsinv", 481, ""),
    ("intmeth", 405, ""),
    ("esc01", 200, ""),
    ("escnull", 200, ""),
    ("esc02", 405, ""),
    ("lwsdisp", 200, ""),
    ("longreq", 200, ""),
    ("dblreq", 200, ""),
    ("semiuri", 200, ""),
    ("transports", 200, ""),
    ("mpart01", 200, ""),
    ("unreason", 0, ""),
    ("noreason", 0, ""),
    // §3.1.2: invalid. What a server may refuse is refused, by the name of the flaw.
    ("badinv01", 400, "Via"),
    ("clerr", 400, "Content-Length"),
    ("ncl", 400, "Content-Length"),
    ("scalar02", 400, "CSeq"),
    ("scalarlg", 0, ""),
    ("quotbal", 400, "To"),
    ("ltgtruri", 400, "angle brackets"),
    ("lwsruri", 400, "White space stands in the Request-URI"),
    ("lwsstart", 400, "White space too much"),
    ("trws", 400, "White space too much"),
    ("escruri", 400, "headers"),
    ("baddate", 400, "Date"),
    ("regbadct", 400, "Contact"),
    ("badaspec", 400, "To"),
    ("baddn", 400, "From"),
    ("badvers", 505, "SIP/2.0"),
    ("mismatch01", 400, "CSeq"),
    ("mismatch02", 400, "CSeq"),
    ("bigcode", 0, ""),
    // §3.2 and §3.3: what a transaction or a user agent server decides.
    ("badbranch", 200, ""),
    ("insuf", 400, "missing"),
    ("unkscm", 416, ""),
    ("novelsc", 416, ""),
    ("unksm2", 200, ""),
    ("bext01", 420, ""),
    ("invut", 415, ""),
    ("regaut01", 200, ""),
    ("multi01", 400, "Several"),
    ("mcl01", 400, "Content-Length"),
    ("bcast", 0, ""),
    ("zeromf", 200, ""),
    ("cparam01", 200, ""),
    ("cparam02", 200, ""),
    ("regescrt", 200, ""),
    ("sdp01", 406, ""),
    ("inv2543", 200, ""),
    // RFC 5118 §4.
    ("ipv6-good", 200, ""),
    ("ipv6-bad", 400, "Request-URI"),
    ("port-ambiguous", 200, ""),
    ("port-unambiguous", 200, ""),
    ("via-received-param-with-delim", 481, ""),
    ("via-received-param-no-delim", 200, ""),
    ("ipv6-in-sdp", 200, ""),
    ("mult-ip-in-header", 481, ""),
    ("mult-ip-in-sdp", 200, ""),
    ("ipv4-mapped", 200, ""),
    ("ipv4-mapped-ipv6", 200, ""),
    ("ipv6-bug-abnf-3-colons", 200, ""),
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

/// The first final answer: its status, or 0 where none came, and its reason phrase.
fn answer(transport: Transport, name: &str) -> (u16, String) {
    let bytes = fs::read(folder().join(format!("{name}.dat"))).expect("the case is there");
    let mut bench = Bench::new(transport);
    let mut sent = bench.receive(bytes);
    sent.extend(bench.pass_ms(400));
    let finals: Vec<Message> = sent.iter().map(|sent| sent.message()).collect();
    let first = finals.iter().find(|message| message.status().is_some_and(|s| s.is_final()));
    first.map_or((0, String::new()), |message| {
        (message.status().expect("a response").code(), message.reason_phrase())
    })
}

#[test]
fn each_case_is_answered_as_its_rfc_says() {
    let mut wrong = Vec::new();
    for (name, status, word) in CASES {
        for transport in [Transport::Udp, Transport::Tcp] {
            let (found, reason) = answer(transport, name);
            if found != status || !reason.contains(word) {
                wrong.push(format!(
                    "{name} over {transport}: {found} {reason}, not {status} {word}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_has_its_answer_here() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .expect("the corpus is there")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".dat").map(str::to_owned))
        .collect();
    assert_eq!(files, CASES.iter().map(|(name, ..)| (*name).to_owned()).collect());
}
