//! `sipboard send`: the options become a [`Plan`], and the plan's outcome the exit status.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;

use crate::{
    cli::{
        USAGE,
        args::Send,
        demo_server,
        profile::{DEMO_DOMAIN, Resolved, demo_account, demo_credentials},
        raw, run_on_one_thread, signals, tell,
    },
    engine::{
        Account, Draft, DraftError, Engine, Field, RawSubmission, Settings, Submission, Values,
        Variables, literal_bytes, password_in_message, server_for,
    },
    headless::{self, Format, Plan, Sending, Style, Template},
    outlet::Outlet,
    sip::{
        CancelError, CancelOptions, Credentials, FailedByes, KnownPasswords, Method, RawMessage,
        UriBuf,
    },
    transport::key_log_problem,
};

pub(super) fn run(mut args: Send) -> anyhow::Result<u8> {
    let resolved = args.profile.resolve()?;
    let raw = args.raw.as_deref().map(|file| raw::read(file, args.crlf)).transpose()?;
    let draft = draft(&mut args)?;
    resolved.warnings().iter().cloned().chain(key_log_problem()).for_each(|it| tell(&it));
    let given = given(&args)?;
    let known = known_passwords(&resolved, given.as_deref());
    let (mut account, settings, variables, demo_allowed) = match resolved {
        Resolved::Accounts(mut config, index) => {
            (config.accounts.swap_remove(index), config.settings, config.variables, false)
        }
        Resolved::Demo(config) => {
            (demo_account(Vec::new()), config.settings, config.variables, true)
        }
    };
    account.flow = Arc::new(args.flow.over(&account.flow));
    let mut settings = with_t1(settings, args.t1_ms)?;
    if !args.resolver.is_empty() {
        settings.resolver = std::mem::take(&mut args.resolver);
    }
    args.impair.over(&mut settings);
    // Nobody is there who could answer: everything is answered at once (RFC 3261 §8.2.6).
    settings.sip.by_hand.clear();
    // Nor could anybody send another BYE.
    settings.sip.failed_byes = FailedByes::EndLeg;
    // Everything is checked before anything is started.
    let written = match raw {
        Some(message) => {
            // It is what its file says that it is: nobody has typed it here by mistake.
            let found = password_in_message(message.bytes(), &known);
            found.into_iter().for_each(|found| tell(&format!("{found}: it goes out as it is")));
            let message = args.timeout.into_iter().fold(message, RawMessage::waiting);
            raw::submit(message, &draft.server, &account).map(Wanted::raw)
        }
        None => template(draft, &account, variables, &known).map(Wanted::template),
    };
    let mut wanted = match written {
        Ok(wanted) => wanted,
        Err(errors) => {
            for error in errors {
                tell(&format!("{}: {error}", option(error.field)));
            }
            return Ok(USAGE);
        }
    };
    // The user agent would refuse it too, but only when the INVITE is pending already.
    if args.cancel_reason.as_ref().is_some_and(|text| text.chars().any(char::is_control)) {
        anyhow::bail!("--cancel-reason: {}", CancelError::BadReason);
    }
    if given.is_some() {
        wanted.use_credentials(given);
    }
    if args.cancel_after.is_some() && wanted.method != Method::Invite {
        anyhow::bail!(
            "--cancel-after: {} cannot be cancelled, only an INVITE can (RFC 3261 §9.1)",
            wanted.method
        );
    }
    advise(&args, &wanted.method);

    let demo = demo_allowed && !wanted.names_a_way && (wanted.at_demo || args.profile.demo);
    run_on_one_thread(carry_out(args, wanted.sending, settings, demo))
}

/// What is to be sent, and what decides where it goes.
struct Wanted {
    method: Method,
    /// Whether a server or a route is named.
    names_a_way: bool,
    /// Whether its target is a user of the demo server.
    at_demo: bool,
    sending: Sending,
}

impl Wanted {
    fn request(submission: Submission) -> Wanted {
        let request = &submission.request;
        Wanted {
            method: request.method.clone(),
            names_a_way: submission.server.is_some() || !request.route_set.is_empty(),
            at_demo: is_demo(Some(&request.request_uri)),
            sending: Sending::Request(Box::new(submission)),
        }
    }

    fn template(template: Template) -> Wanted {
        let wanted = Wanted::request(template.submission.clone());
        // Most requests have no variables: they need not be written anew each time.
        let has_variables = {
            let mut values = template.values.clone();
            template.variables.expand_draft(&template.draft, &mut values).ok().as_ref()
                != Some(&template.draft)
        };
        match has_variables {
            true => Wanted { sending: Sending::Template(Box::new(template)), ..wanted },
            false => wanted,
        }
    }

    fn raw(submission: RawSubmission) -> Wanted {
        let message = &submission.message;
        Wanted {
            method: message.method(),
            names_a_way: submission.server.is_some() || message.first_route().is_some(),
            at_demo: is_demo(message.request_uri().as_ref()),
            sending: Sending::Raw(Box::new(submission)),
        }
    }

    fn use_credentials(&mut self, credentials: Option<Arc<[Credentials]>>) {
        if let Some(submission) = submission(&mut self.sending) {
            submission.request.credentials = credentials;
        }
    }
}

/// The first request.
fn submission(sending: &mut Sending) -> Option<&mut Submission> {
    match sending {
        Sending::Request(submission) => Some(submission),
        Sending::Template(template) => Some(&mut template.submission),
        Sending::Raw(_) => None,
    }
}

/// The user and the password that the options name.
fn given(args: &Send) -> anyhow::Result<Option<Arc<[Credentials]>>> {
    let (Some(user), Some(variable)) = (&args.user, &args.password_env) else { return Ok(None) };
    let password = std::env::var(variable).with_context(|| {
        format!("--password-env: the environment variable {variable:?} cannot be read")
    })?;
    Ok(Some(Arc::from([Credentials::new(user.as_str(), password)])))
}

/// The passwords that nobody is to read in a request.
fn known_passwords(resolved: &Resolved, given: Option<&[Credentials]>) -> KnownPasswords {
    let mut known = KnownPasswords::default();
    if let Resolved::Accounts(config, _) = resolved {
        for account in &config.accounts {
            let own = account.credentials.as_deref().unwrap_or_default();
            account.keep_secret(own, &mut known);
        }
    }
    for its in given.unwrap_or_default() {
        known.add(&its.username, "", std::slice::from_ref(its));
    }
    known
}

/// The request with its variables written out, and what writes the next ones out.
fn template(
    draft: Draft,
    account: &Account,
    variables: Variables,
    known: &KnownPasswords,
) -> Result<Template, Vec<DraftError>> {
    let mut values = Values::new(rand::random());
    let written = variables.expand_draft(&draft, &mut values)?;
    written.refuse_passwords(known)?;
    let submission = written.submit(account)?;
    let account = account.clone();
    Ok(Template { submission, draft, account, variables, values, is_first: true })
}

fn is_demo(target: Option<&UriBuf>) -> bool {
    target.is_some_and(|uri| uri.as_uri().host().eq_ignore_ascii_case(DEMO_DOMAIN))
}

async fn carry_out(
    args: Send,
    mut sending: Sending,
    settings: Settings,
    use_demo: bool,
) -> anyhow::Result<u8> {
    let interrupts = signals::interrupts().context("signals cannot be heard")?;
    let demo = if use_demo { Some(demo_server::start(settings.sip.limits).await?) } else { None };
    if let Some(demo) = &demo {
        let servers = demo.addresses().servers();
        let server = match submission(&mut sending) {
            Some(submission) => server_for(&servers, &submission.request.request_uri),
            None => servers.first(),
        };
        let server = server.cloned();
        let flow = Arc::new(args.flow.over(&demo.flow_settings()));
        if let Some(server) = &server {
            tell(&format!("sending to the built-in demo server at {server}"));
        }
        if let Sending::Raw(submission) = &mut sending {
            (submission.server, submission.flow) = (server, flow);
        } else if let Some(submission) = submission(&mut sending) {
            let credentials = &mut submission.request.credentials;
            *credentials = credentials.take().or_else(demo_credentials);
            (submission.server, submission.flow) = (server, flow);
        }
    }
    let flow = match &sending {
        Sending::Raw(submission) => &submission.flow,
        Sending::Request(submission) => &submission.flow,
        Sending::Template(template) => &template.submission.flow,
    };
    if flow.tls.insecure {
        tell(
            "INSECURE: no TLS certificate is looked at; whoever is in between can read and change everything",
        );
    }
    let (plan, style) = (plan(&args, sending), style(&args));
    let engine = Engine::start(settings);
    let outcome = headless::run(engine, plan, style, Outlet::standard(), interrupts).await;
    if let Some(demo) = demo {
        demo.stop().await;
    }
    Ok(outcome.code())
}

/// The settings, with another T1. T2 and T4 stay, as they do where a config file names T1 alone.
fn with_t1(mut settings: Settings, t1_ms: Option<u32>) -> anyhow::Result<Settings> {
    let Some(ms) = t1_ms else { return Ok(settings) };
    let timing = &mut settings.sip.timing;
    timing.t1 = Duration::from_millis(ms.into());
    // RFC 3261 §17.1.2.1: retransmission intervals double from T1 up to T2.
    if timing.t2 < timing.t1 {
        anyhow::bail!(
            "--t1-ms {ms} is more than T2, which is {} ms: choose less, or raise t2_ms under \
             [timers] in the config file",
            timing.t2.as_millis()
        );
    }
    Ok(settings)
}

/// The texts of the request.
fn draft(args: &mut Send) -> anyhow::Result<Draft> {
    let body = match (args.body.take(), &args.body_file) {
        (Some(body), _) => body.into(),
        // A file is sent as it is.
        (None, Some(file)) => literal_bytes(read_body(file)?),
        (None, None) => Vec::new(),
    };
    let take = std::mem::take::<String>;
    Ok(Draft {
        method: args.method.take().unwrap_or_default(),
        target: args.target.take().unwrap_or_default(),
        server: take(&mut args.server),
        from: take(&mut args.from),
        from_display_name: take(&mut args.from_display_name),
        from_tag: args.from_tag.take().unwrap_or_default(),
        to: take(&mut args.to),
        to_display_name: take(&mut args.to_display_name),
        to_tag: args.to_tag.take().unwrap_or_default(),
        call_id: args.call_id.take().unwrap_or_default(),
        cseq: take(&mut args.cseq),
        routes: std::mem::take(&mut args.routes),
        headers: std::mem::take(&mut args.headers),
        content_type: take(&mut args.content_type),
        body,
    })
}

fn read_body(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        io::stdin().read_to_end(&mut bytes).context("--body-file -: standard input")?;
    } else {
        bytes = fs::read(file).with_context(|| format!("--body-file {}", file.display()))?;
    }
    Ok(bytes)
}

fn plan(args: &Send, sending: Sending) -> Plan {
    let concurrency = match (args.concurrency, args.rate) {
        (Some(concurrency), _) => concurrency as usize,
        (None, Some(_)) => usize::MAX,
        (None, None) => 1,
    };
    Plan {
        sending,
        count: args.count.unwrap_or(1),
        concurrency,
        rate: args.rate,
        cancel_after: args.cancel_after,
        cancel: CancelOptions {
            status_code: args.cancel_status,
            reason_phrase: args.cancel_reason.clone(),
        },
        hangup_after: args.hangup_after,
        timeout: args.timeout,
    }
}

fn style(args: &Send) -> Style {
    let one = args.count.unwrap_or(1) == 1;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let events = one || args.events;
    Style {
        format: match args.json {
            true => Format::Json,
            false => Format::Timeline { colour: io::stdout().is_terminal() && !plain },
        },
        events,
        totals: args.count.is_some(),
        progress: !events && io::stderr().is_terminal(),
    }
}

/// What is allowed, but hardly meant.
fn advise(args: &Send, method: &Method) {
    if let Method::Extension(name) = method {
        let upper = Method::from(&*name.to_ascii_uppercase());
        if !matches!(upper, Method::Extension(_)) {
            tell(&format!(
                "{name} is sent as it is written, which is not {upper}: methods are case-sensitive (RFC 3261 §7.1)"
            ));
        }
    }
    let makes_dialogs = [Method::Invite, Method::Subscribe, Method::Refer];
    if !makes_dialogs.contains(method) && args.hangup_after.is_some() {
        tell(&format!("--hangup-after does nothing here: {} makes no dialog to hang up", method));
    }
}

/// The option that a field of the draft comes from.
fn option(field: Field) -> &'static str {
    match field {
        Field::Method => "METHOD",
        Field::Target => "TARGET",
        Field::Server => "--server",
        Field::From => "--from",
        Field::FromDisplayName => "--from-display-name",
        Field::FromTag => "--from-tag",
        Field::To => "--to",
        Field::ToDisplayName => "--to-display-name",
        Field::ToTag => "--to-tag",
        Field::CallId => "--call-id",
        Field::CSeq => "--cseq",
        Field::Routes => "--route",
        Field::Headers => "-H",
        Field::ContentType => "--content-type",
        Field::Body => "--body",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_t1_leaves_t2_and_t4_alone_and_is_at_most_t2() {
        let settings = Settings::default();
        let before = settings.sip.timing;
        for ms in [1, 4000] {
            let after = with_t1(settings.clone(), Some(ms)).unwrap().sip.timing;
            assert_eq!(after.t1, Duration::from_millis(ms.into()));
            assert_eq!((after.t2, after.t4), (before.t2, before.t4));
        }
        assert_eq!(with_t1(settings.clone(), None).unwrap().sip.timing, before);
        let error = with_t1(settings, Some(4001)).unwrap_err().to_string();
        assert!(error.contains("T2, which is 4000 ms"), "{error}");
    }
}
