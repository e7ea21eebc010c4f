//! `sipboard lint`: what is wrong with the messages in files, for a reader or as JSON lines.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use serde::Serialize;

use crate::sip::{
    Limits, Message,
    escape::{escape, escape_json},
    lint::{self, Finding, Options, Report, Severity},
};

/// Lints the files in order and writes to `out`; gives the exit status: 0 for nothing above a
/// note, 1 for warnings, 3 for an error in one of the files, 2 for a file that cannot be read.
///
/// # Errors
///
/// Where `-` is named twice; where `out` takes no more, a closed pipe excepted.
pub(super) fn run(
    files: &[PathBuf],
    json: bool,
    limits: Limits,
    out: &mut impl Write,
) -> anyhow::Result<u8> {
    if files.iter().filter(|file| *file == Path::new("-")).count() > 1 {
        anyhow::bail!("- is standard input, which can be read only once; name it once");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
    let options = Options { limits, now };
    let mut worst = None;
    let mut unread = false;
    for file in files {
        let name = file.display().to_string();
        match read(file, options.limits.message) {
            Ok(bytes) => {
                let report = lint::lint(bytes.into(), &options);
                worst = worst.max(report.worst());
                let written = if json {
                    write_json(out, &name, &report)
                } else {
                    write_text(out, &name, &report)
                };
                match written {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                    other => other.context("standard output takes no more")?,
                }
            }
            Err(error) => {
                unread = true;
                // There is nowhere left to tell that standard error is gone.
                let _ = writeln!(io::stderr(), "sipboard: {}: {error}", escape(&name));
            }
        }
    }
    Ok(match worst {
        _ if unread => 2,
        Some(Severity::Error) => 3,
        Some(Severity::Warning) => 1,
        _ => 0,
    })
}

/// A file, or standard input for `-`; one byte over the limit is enough to know that it is over.
fn read(file: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = limit as u64 + 1;
    if file == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// `file:line:column: severity: what [rule, section]`, as editors read it, and a last line.
fn write_text(out: &mut impl Write, file: &str, report: &Report) -> io::Result<()> {
    let file = escape(file);
    for finding in &report.findings {
        let header = match &finding.header {
            Some(name) => format!("{name}: "),
            None => String::new(),
        };
        writeln!(
            out,
            "{file}:{}:{}: {}: {header}{} [{}, {}]",
            finding.line,
            finding.column,
            finding.severity(),
            finding.message,
            finding.rule,
            finding.section,
        )?;
    }
    writeln!(out, "{file}: {}, {}", what(report), counts(&report.findings))?;
    out.flush()
}

fn what(report: &Report) -> String {
    let Ok(message) = &report.message else { return "no SIP message".to_owned() };
    let name = match (message.method(), message.status()) {
        (Some(method), _) => escape(method.as_str()).into_owned(),
        (None, Some(status)) => format!("{status} response"),
        (None, None) => "response without a status code".to_owned(),
    };
    let usable = if report.is_usable() { "" } else { " that no transaction can act on" };
    format!(
        "{name}{usable}, {} headers, {} bytes of body",
        message.headers().len(),
        message.body_range().len()
    )
}

fn counts(findings: &[Finding]) -> String {
    let count = |severity| -> usize {
        findings.iter().filter(|f| f.severity() == severity).map(|f| f.count).sum()
    };
    let all: Vec<_> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter(|severity| count(*severity) > 0)
        .map(|severity| match count(severity) {
            1 => format!("1 {severity}"),
            more => format!("{more} {severity}s"),
        })
        .collect();
    if all.is_empty() { "nothing is wrong".to_owned() } else { all.join(", ") }
}

/// One object a file; the field names are an interface.
#[derive(Serialize)]
struct JsonReport<'a> {
    file: &'a str,
    kind: &'static str,
    method: Option<String>,
    status: Option<u16>,
    headers: usize,
    body: usize,
    usable: bool,
    findings: Vec<JsonFinding<'a>>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    severity: &'static str,
    rule: &'static str,
    header: Option<&'a str>,
    line: usize,
    column: usize,
    offset: usize,
    section: &'static str,
    message: &'a str,
}

fn write_json(out: &mut impl Write, file: &str, report: &Report) -> io::Result<()> {
    let message = report.message.as_ref().ok();
    let method = message.and_then(Message::method);
    let object = JsonReport {
        file,
        kind: match (message, &method) {
            (None, _) => "unreadable",
            (Some(_), Some(_)) => "request",
            (Some(_), None) => "response",
        },
        method: method.map(|method| method.as_str().to_owned()),
        status: message.and_then(Message::status).map(|status| status.code()),
        headers: message.map_or(0, |message| message.headers().len()),
        body: message.map_or(0, |message| message.body_range().len()),
        usable: report.is_usable(),
        findings: report
            .findings
            .iter()
            .map(|finding| JsonFinding {
                severity: finding.severity().as_str(),
                rule: finding.rule.name(),
                header: finding.header.as_deref(),
                line: finding.line,
                column: finding.column,
                offset: finding.offset,
                section: finding.section,
                message: &finding.message,
            })
            .collect(),
    };
    writeln!(out, "{}", escape_json(&serde_json::to_string(&object)?))?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::escape::is_unsafe;

    fn lint(text: &str, json: bool) -> String {
        let report = lint::lint(text.to_owned().into(), &Options::default());
        let mut out = Vec::new();
        match json {
            true => write_json(&mut out, "a.sip", &report),
            false => write_text(&mut out, "a.sip", &report),
        }
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    const SHORT: &str = "OPTIONS sip:b.test SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
        Max-Forwards: 70\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: 1\r\n\
        CSeq: 1 OPTIONS\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nabc";

    #[test]
    fn a_line_for_each_finding_and_one_for_the_file() {
        assert_eq!(
            lint(SHORT, false),
            "a.sip:9:17: error: Content-Length: Content-Length says 9 bytes, but only 3 follow \
             the headers [content-length-too-long, RFC 3261 §20.14]\n\
             a.sip: OPTIONS, 8 headers, 3 bytes of body, 1 error\n"
        );
        let lost = SHORT.replace("Call-ID: 1\r\n", "").replace(": 9", ": 3");
        assert!(lint(&lost, false).ends_with(
            "a.sip: OPTIONS that no transaction can act on, 7 headers, 3 bytes of body, 1 error\n"
        ));
        let fine = SHORT.replace(": 9", ": 3");
        assert_eq!(
            lint(&fine, false),
            "a.sip: OPTIONS, 8 headers, 3 bytes of body, nothing is wrong\n"
        );
        assert!(lint("x", false).ends_with("a.sip: no SIP message, 1 error\n"));
    }

    #[test]
    fn no_text_of_a_message_steers_a_terminal() {
        let text = SHORT.replace("OPTIONS sip", "OP\u{202e}\u{9b}2J\u{7f}\u{e0041} sip");
        for json in [true, false] {
            let out = lint(&text, json);
            assert!(!out.trim_end_matches('\n').contains(|c| is_unsafe(c) && c != '\n'), "{out:?}");
        }
        let value: serde_json::Value = serde_json::from_str(&lint(&text, true)).unwrap();
        assert_eq!(value["method"], "OP\u{202e}\u{9b}2J\u{7f}\u{e0041}");
    }

    #[test]
    fn one_json_object_a_file() {
        let value: serde_json::Value = serde_json::from_str(&lint(SHORT, true)).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "file": "a.sip", "kind": "request", "method": "OPTIONS",
                "status": null, "headers": 8, "body": 3,
                "usable": true,
                "findings": [{
                    "severity": "error", "rule": "content-length-too-long",
                    "header": "Content-Length", "line": 9, "column": 17,
                    "offset": SHORT.find("9\r\n\r\n").unwrap(),
                    "section": "RFC 3261 §20.14",
                    "message": "Content-Length says 9 bytes, but only 3 follow the headers",
                }],
            })
        );
        let response = lint("SIP/2.0 180 Ringing\r\n\r\n", true);
        let value: serde_json::Value = serde_json::from_str(&response).unwrap();
        assert_eq!((&value["kind"], &value["status"]), (&"response".into(), &180.into()));
        assert_eq!(value.get("method"), Some(&serde_json::Value::Null));
        let value: serde_json::Value =
            serde_json::from_str(&lint("SIP/2.0 180 Ringing\r\nno header\r\n\r\n", true)).unwrap();
        let findings = value["findings"].as_array().unwrap();
        let line = findings.iter().find(|finding| finding["rule"] == "not-a-header").unwrap();
        assert_eq!(line["header"], serde_json::Value::Null);
        let bad = lint("SIP/2.0 99\r\n\r\n", true);
        let value: serde_json::Value = serde_json::from_str(&bad).unwrap();
        assert_eq!((&value["kind"], &value["usable"]), (&"response".into(), &false.into()));
        assert_eq!(value.get("status"), Some(&serde_json::Value::Null));
        let value: serde_json::Value = serde_json::from_str(&lint("", true)).unwrap();
        assert_eq!((&value["kind"], &value["usable"]), (&"unreadable".into(), &false.into()));
        let (method, status) = (value.get("method"), value.get("status"));
        assert_eq!(
            (method, status),
            (Some(&serde_json::Value::Null), Some(&serde_json::Value::Null))
        );
    }
}
