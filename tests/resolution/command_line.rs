use super::*;
use crate::cli_support::{Home, sipboard};

#[tokio::test(flavor = "multi_thread")]
async fn send_asks_the_resolver_that_is_named_and_tells_what_it_said() {
    let dns = DnsServer::new(60, ZONE).await;
    let home = Home::new();
    let address = dns.text();
    let args = ["send", "OPTIONS", "sip:no.test", "--resolver", &address];
    let ran = tokio::task::block_in_place(|| sipboard(&home, &args));
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("resolving"), "{}", ran.out);
    assert!(ran.out.contains("NAPTR no.test: no such name"), "{}", ran.out);
    let sentence = format!("no.test cannot be resolved: DNS at {address} says");
    assert!(ran.out.contains(&sentence), "{}", ran.out);
}

#[test]
fn a_resolver_that_is_no_address_is_refused() {
    let home = Home::new();
    let ran = sipboard(&home, &["send", "OPTIONS", "sip:x.test", "--resolver", "dns.test"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("not the address of a DNS server"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_config_file_names_the_resolver() {
    let dns = DnsServer::new(60, ZONE).await;
    let home = Home::new();
    home.config(&format!("[resolver]\nserver = [\"{}\"]\n", dns.address));
    let ran = tokio::task::block_in_place(|| sipboard(&home, &["send", "OPTIONS", "sip:no.test"]));
    assert!(ran.out.contains(&format!("DNS at {} says", dns.address)), "{}", ran.out);

    home.config("[resolver]\nserver = \"dns.test\"\n");
    let ran = tokio::task::block_in_place(|| sipboard(&home, &["config", "check"]));
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("config.toml:2:"), "{}", ran.err);
    assert!(ran.err.contains("not the address of a DNS server"), "{}", ran.err);
}
