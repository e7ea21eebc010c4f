//! What is done to the chosen row, and to all that are marked.

use super::*;

#[test]
fn marks_are_set_inverted_and_cleared() {
    let mut script = Script::tour(Colours::Many);
    script.draw(100, 30);
    let marked = |script: &Script| {
        let mut marked: Vec<u64> = script.model.table.marks.iter().map(|id| id.0).collect();
        marked.sort_unstable();
        marked
    };
    script.type_text("gmm");
    assert_eq!(marked(&script), [5, 6]);
    assert_eq!(selected(&script), Some(4), "it goes on to the next row");
    assert!(script.text(100, 30).contains("6 · 2 marked"));
    script.type_text("i");
    assert_eq!(marked(&script), [1, 2, 3, 4]);
    filter(&mut script, "ring");
    script.type_text("M");
    assert_eq!(marked(&script), [1, 2, 3, 4, 5, 6]);
    script.type_text("u");
    assert_eq!(marked(&script), NO_ROW);
    script.type_text("u");
    assert!(script.text(100, 30).contains("nothing is marked: mark a row with m"));
}

#[test]
fn what_was_cancelled_of_what_was_marked_is_counted_from_what_the_engine_says() {
    let mut script = Script::tour(Colours::Many);
    script.draw(120, 30);
    script.type_text("M");
    let Some(Command::Many(commands)) = script.type_text("c") else { panic!("nothing asked for") };
    let ids: Vec<u64> = commands
        .iter()
        .map(|command| match command {
            Command::Cancel { context, .. } => context.0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6]);
    script.refuse(Some(1), "OPTIONS cannot be cancelled");
    script.refuse(Some(2), "already rejected");
    script.refuse(Some(3), "already accepted");
    script.cancel(4, false);
    script.refuse(Some(5), "already canceled");
    assert!(!script.text(160, 30).contains("cancelled"), "not before all is known");
    script.cancel(6, false);
    let screen = script.text(160, 30);
    let told = "cancelled 2 of 6: 1× OPTIONS cannot be cancelled; 1× already accepted; \
                1× already canceled; 1× already rejected";
    assert!(screen.contains(told), "{screen}");
    script.type_text("L");
    assert!(script.text(160, 30).contains("#3: already accepted"), "the log has each");
}

#[test]
fn all_that_is_marked_is_hung_up_and_a_queue_that_was_full_is_not_waited_for() {
    let mut script = Script::new(Colours::Many);
    script.answered(1);
    script.answered(2);
    script.draw(120, 30);
    script.type_text("M");
    let command = script.type_text("b").expect("both are hung up");
    assert!(matches!(&command, Command::Many(commands) if commands.len() == 2));
    script.model.take_back(&command);
    script.hung_up(1, 3);
    assert!(!script.text(120, 30).contains("hung up all"), "nothing was asked of the engine");
    script.type_text("b");
    script.refuse(Some(1), "no leg is up: the call was hung up");
    script.hung_up(2, 4);
    let screen = script.text(120, 30);
    assert!(screen.contains("hung up 1 of 2: 1× no leg is up"), "{screen}");
}

#[test]
fn a_request_is_sent_again_as_a_new_one() {
    let mut script = Script::new(Colours::Many);
    script.flow(2, "sip:127.0.0.1:5060;transport=udp", up("127.0.0.1:5060"));
    script.created(1, Method::Message, "sip:bob@demo.test", true);
    let message = "MESSAGE sip:bob@demo.test SIP/2.0\r\nVia: SIP/2.0/UDP a.test;branch=z9hG4bK1\r\n\
        Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@demo.test>;tag=1\r\n\
        To: <sip:bob@demo.test>\r\nCall-ID: old\r\nCSeq: 7 MESSAGE\r\nSubject: hi\r\n\
        Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nyo";
    let sent = Fact::Sent { message: Bytes::from_static(message.as_bytes()), destination: along() };
    script.fact(1, Method::Message, sent, status(State::Trying, true));
    let Some(Command::Send(submission)) = script.type_text("rr") else { panic!("not sent") };
    let request = &submission.request;
    assert_eq!(request.request_uri.as_str(), "sip:bob@demo.test");
    assert_eq!((&request.call_id, &request.from_tag, request.cseq), (&None, &None, None));
    assert_eq!(request.headers[0].value(), "hi");
    assert_eq!(&request.body[..], b"yo");
    let server = submission.server.as_ref().map(ToString::to_string);
    assert_eq!(server.as_deref(), Some("sip:127.0.0.1:5060;transport=udp"));
    assert_eq!(script.model.facts.contexts.len(), 1, "the row comes from the engine");

    script.created(2, Method::Message, "sip:bob@demo.test", true);
    assert_eq!(selected(&script), Some(2));
    assert!(script.type_text("rr").is_none());
    assert!(script.text(120, 30).contains("#2: it was never sent"));

    script.type_text("M");
    let Some(Command::Many(commands)) = script.type_text("rr") else { panic!("not sent") };
    assert_eq!(commands.len(), 1);
    script.created(3, Method::Message, "sip:bob@demo.test", true);
    let screen = script.text(120, 30);
    assert!(screen.contains("sent again 1 of 2: 1× it was never sent"), "{screen}");
}

#[test]
fn labels_are_given_shown_and_taken_away() {
    let mut script = Script::tour(Colours::Many);
    let columns = Columns::new(["number", "target", "label"].map(|text| text.parse().unwrap()));
    script.model.table.columns = columns;
    script.draw(120, 30);
    script.type_text("gl");
    script.type_text("the first\n");
    let screen = script.text(120, 30);
    assert!(screen.contains("the first") && screen.contains("1 request labelled the first"));
    script.type_text("jM");
    script.type_text("l");
    assert!(script.text(120, 30).contains("for all 6 that are marked"));
    script.type_text("all\n");
    assert_eq!(filter(&mut script, "label:all").len(), 6);
    script.type_text("ul");
    script.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
    script.press(KeyCode::Enter, NONE);
    assert_eq!(shown(&mut script).len(), 5, "the filter sees that the label is gone");
}

#[test]
fn tags_and_a_note_are_given_with_the_label_shown_and_found() {
    let mut script = Script::tour(Colours::Many);
    script.draw(120, 30);
    script.type_text("gl");
    script.type_text("night shift #lab #slow -- no audio after the hold\n");
    let screen = script.text(120, 30);
    assert!(screen.contains("“night shift #lab #slow -- no audio"), "{screen}");
    let row = script.model.selected().unwrap();
    assert_eq!(row.label(), Some("night shift #lab #slow"));
    assert_eq!(row.tags().collect::<Vec<_>>(), ["lab", "slow"]);
    assert_eq!(row.note(), Some("no audio after the hold"));
    for (text, count) in [("tag:lab", 1), ("tag:night", 0), ("note:hold", 1), ("hold", 1)] {
        assert_eq!(filter(&mut script, text).len(), count, "{text}");
    }
    assert_eq!(filter(&mut script, "label:hold").len(), 0, "the note is no part of the label");
}

#[test]
fn what_has_ended_is_dropped_and_what_is_in_flight_is_not() {
    let mut script = Script::tour(Colours::Many);
    script.draw(120, 30);
    script.type_text("gd");
    let screen = script.text(120, 30);
    assert!(
        screen.contains("dropped 0 of 1 row: 1 not ended yet; c cancels, b hangs up"),
        "{screen}"
    );
    assert_eq!(shown(&mut script).len(), 6);
    script.type_text("M");
    script.type_text("d");
    assert!(script.text(120, 30).contains("dropped 3 of 6 rows: 3 not ended yet"));
    assert_eq!(shown(&mut script), [6, 4, 3]);
    assert_eq!(script.model.table.marks.len(), 3);
    script.retransmit(4, 5);
    assert!(script.text(120, 30).contains("5 of 7"), "the rows still take in what happens");
    script.hung_up(3, 7);
    script.type_text("uD");
    assert_eq!(shown(&mut script), [7, 6, 4]);
    script.type_text("D");
    assert!(script.text(120, 30).contains("there is nothing to drop"));
}

#[test]
fn marks_that_the_filter_hides_are_told_before_and_after_something_is_done_to_them() {
    let mut script = Script::tour(Colours::Many);
    script.type_text("M");
    assert_eq!(filter(&mut script, "ring !180"), [5]);
    let screen = script.text(160, 45);
    assert!(screen.contains("6 marked (5 not shown)"), "{screen}");
    script.type_text("r");
    let screen = script.text(160, 45);
    assert!(screen.contains("Send 6 marked (5 not shown) again"), "{screen}");
    script.press(KeyCode::Esc, NONE);
    let command = script.type_text("c");
    assert!(matches!(command, Some(Command::Many(all)) if all.len() == 6));
    for id in 1..=6 {
        script.refuse(Some(id), "no");
    }
    let told = script.model.notice.clone().unwrap().text;
    assert_eq!(told, "cancelled 0 of 6 (5 of them not shown): 6× no");
    filter(&mut script, "nothing-is-called-so");
    let screen = script.text(160, 45);
    assert!(screen.contains("6 marked (none shown)"), "{screen}");
    filter(&mut script, "");
    assert!(!script.text(160, 45).contains("shown"));
}

#[test]
fn what_is_marked_is_sent_again_though_nothing_of_it_is_shown() {
    let mut script = Script::tour(Colours::Many);
    script.type_text("M");
    assert_eq!(filter(&mut script, "nothing-is-called-so"), NO_ROW);
    assert!(script.text(160, 45).contains("r resend"));
    script.type_text("r");
    assert!(script.text(160, 45).contains("Send 6 marked (none shown) again"));
    script.type_text("n");
    assert!(script.model.notice.is_some());
    assert!(!script.text(160, 45).contains("nothing to send again"));
}
