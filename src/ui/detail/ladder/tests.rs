use std::time::{Duration, Instant};

use super::*;

fn arrow(from: usize, to: usize, label: &[&str], count: u32) -> What {
    let label = label.iter().map(|piece| (*piece).to_owned()).collect();
    What::Arrow { from, to, label, count, again: false, lost: false }
}

fn ladder(lifelines: &[(&str, &str)], steps: Vec<(u64, What, Mood)>) -> Ladder {
    let start = Instant::now();
    Ladder {
        lifelines: lifelines
            .iter()
            .map(|&(name, role)| Lifeline { name: name.to_owned(), role: role.to_owned() })
            .collect(),
        steps: steps
            .into_iter()
            .enumerate()
            .map(|(place, (millis, what, mood))| Step {
                at: start + Duration::from_millis(millis),
                place,
                what,
                mood,
            })
            .collect(),
    }
}

fn call() -> Ladder {
    ladder(
        &[("alice@demo.test", "127.0.0.1:40000"), ("127.0.0.1:5060", "udp")],
        vec![
            (0, arrow(0, 1, &["INVITE", "SDP", "CSeq 1"], 3), Mood::Out),
            (1502, arrow(1, 0, &["180 Ringing", "CSeq 1", "tag a8f2"], 1), Mood::Pending),
            (1502, What::Note { over: 0, text: "leg a8f2 early".to_owned() }, Mood::Pending),
            (3000, arrow(1, 0, &["200 OK", "SDP", "CSeq 1", "tag a8f2"], 1), Mood::Good),
            (3001, arrow(0, 1, &["ACK", "CSeq 1"], 1), Mood::Out),
        ],
    )
}

fn forked() -> Ladder {
    ladder(
        &[("alice", "us"), ("127.0.0.1:5060", "udp"), ("leg a", "a@h"), ("leg b", "b@h")],
        vec![
            (0, arrow(0, 1, &["INVITE"], 1), Mood::Out),
            (2, arrow(2, 0, &["180 Ringing"], 1), Mood::Pending),
            (3, arrow(3, 0, &["183 Session Progress"], 1), Mood::Pending),
            (4, What::Gap(12), Mood::Plain),
            (9, arrow(0, 3, &["BYE"], 1), Mood::Out),
        ],
    )
}

#[test]
fn a_call_is_set_as_text() {
    insta::assert_snapshot!("ladder_call", call().text());
}

#[test]
fn a_fork_is_set_as_text() {
    insta::assert_snapshot!("ladder_fork", forked().text());
}

#[test]
fn a_call_is_set_in_mermaid() {
    insta::assert_snapshot!("ladder_mermaid", call().mermaid());
}

#[test]
fn every_line_is_as_wide_as_the_layout_at_every_width() {
    use unicode_width::UnicodeWidthStr;
    for ladder in [call(), forked()] {
        for room in (0..200).map(Some).chain([None]) {
            let layout = ladder.layout(room, 0);
            let widths: Vec<usize> =
                ladder.lines(&layout).map(|line| line.text().width()).collect();
            assert!(widths.iter().all(|width| *width == widths[0]), "{room:?}: {widths:?}");
            if let Some(room) = room.filter(|room| *room >= 4 * 27 + 20) {
                assert!(widths[0] <= room, "{room}: {widths:?}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_on_an_arrow_is_left_out_from_the_end() {
    let narrow = call().layout(Some(43), 0);
    let lines: Vec<String> = call().lines(&narrow).map(|line| line.text()).collect();
    assert!(lines[0].contains("INVITE ×3  SDP ") && !lines[0].contains("CSeq"), "{lines:?}");
    assert!(lines[1].contains(" 180 Ringing "), "{lines:?}");
}

#[test]
fn hostile_texts_stay_on_their_line() {
    let hostile = ladder(
        &[("a\x1b[2J", "x\ny"), ("b\r\n", "")],
        vec![
            (
                0,
                arrow(1, 0, &["200 \x1b]0;x\x07\r\nNote over p0: owned; end", "電話"], 1),
                Mood::Good,
            ),
            (0, What::Note { over: 1, text: "\u{202e}evil #quot;\n".to_owned() }, Mood::Bad),
        ],
    );
    for text in [hostile.text(), hostile.mermaid()] {
        let lines = text.lines().count();
        assert!(lines <= 5, "{text}");
        assert!(
            !text.contains(|c: char| c != '\n' && crate::sip::escape::is_unsafe(c)),
            "{text:?}"
        );
    }
    let mermaid = hostile.mermaid();
    assert!(!mermaid.contains("owned; end") && mermaid.contains("#59;"), "{mermaid}");
}

#[test]
fn whatever_means_something_to_mermaid_stands_as_a_code() {
    let all: String = (' '..='~').collect();
    let words = ["end", "wrap: it", "%%{init}%%", "style a:#1;", "$$x$$ &lt; \\n <b>", &all];
    let ladder = ladder(
        &[("end", "wrap:x"), ("sip:a@b;c#d", &all)],
        vec![
            (0, arrow(0, 1, &words, 2), Mood::Out),
            (1, What::Note { over: 1, text: words.join(" ") }, Mood::Bad),
        ],
    );
    let mermaid = ladder.mermaid();
    for line in mermaid.lines().skip(1) {
        let (_, text) = line.split_once(" as ").or_else(|| line.split_once(": ")).unwrap();
        for piece in text.split("<br/>") {
            // Without its codes there is nothing left that means anything.
            let mut rest = piece.split('#');
            let first = rest.next().unwrap_or_default().to_owned();
            let rest = rest.map(|piece| {
                let (code, rest) = piece.split_once(';').expect("a code has an end");
                assert!(code.parse::<u8>().is_ok(), "{line}");
                rest
            });
            let left = first + &rest.collect::<String>();
            assert!(!left.contains(['#', ';', '<', '>', '&', '%', '$', '\\', '{']), "{line}");
            let has_colon = text.contains(':');
            assert!(!has_colon || !(text.contains("wrap") || text.contains("style")), "{line}");
        }
    }
    insta::assert_snapshot!("ladder_hostile_mermaid", mermaid);
}

#[test]
fn long_tags_are_shortened_and_short_ones_stay() {
    assert_eq!(short("a8f2"), "a8f2");
    assert_eq!(short("1234567890"), "1234567890");
    assert_eq!(short("12345678901"), "12345678…");
    assert_eq!(short(""), "");
}

#[test]
fn a_ladder_is_drawn_wider_and_narrower_as_wished() {
    use unicode_width::UnicodeWidthStr;
    let width = |zoom| {
        let ladder = call();
        let layout = ladder.layout(Some(60), zoom);
        ladder.lines(&layout).map(|line| line.text().width()).max().unwrap_or(0)
    };
    assert_eq!(width(1), width(0) + 6);
    assert!(width(-1) < width(0) && width(-9) == width(-8), "{}", width(-9));
}
