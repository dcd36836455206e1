//! Who may be called: nobody inside, whatever a name resolves to.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use access::{By, Origin};
use delivery::model::NewWebhook;
use delivery::{Error, Resolver, Sender, WebhookSettings, ops};
use futures::FutureExt as _;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::endpoint::Endpoint;
use crate::house::{GUILD, House, local};

/// A name that resolves to these, one after the other, and then to the last.
fn fickle(answers: &[&str]) -> (Resolver, Arc<AtomicUsize>) {
    let answers: Vec<IpAddr> = answers.iter().map(|answer| answer.parse().unwrap()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let resolver = Resolver::new(move |_| {
        let at = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let answer = answers[at];
        async move { io::Result::Ok(vec![answer]) }.boxed()
    });
    (resolver, asked)
}

#[tokio::test]
async fn a_name_that_rebinds_to_an_inside_address_is_not_called() {
    // Loopback is allowed first, as a public address would be; then the name turns to addresses that are not.
    let settings = WebhookSettings { internal_networks: vec!["127.0.0.1/32".parse().unwrap()], ..local() };
    let (resolver, asked) =
        fickle(&["127.0.0.1", "127.0.0.2", "::ffff:127.0.0.2", "169.254.169.254", "0.0.0.0", "::1"]);
    let house = House::resolving(settings, resolver).await;
    let mut endpoint = Endpoint::ok().await;
    let url = format!("http://rebinding.example:{}/", endpoint.address.port());
    let made = house.webhook(&url).await;
    let ping = async || ops::ping(house.pool(), &house.webhooks, GUILD, made.webhook.id).await.unwrap();
    assert!(ping().await.delivered);
    endpoint.next().await;
    for _ in 0..5 {
        let ping = ping().await;
        assert_eq!(ping.error.as_deref(), Some("the address must not lead to an internal address"));
    }
    assert_eq!(
        asked.load(Ordering::SeqCst),
        6,
        "every connection looks the name up once, and connects to what it saw"
    );
    assert!(endpoint.is_quiet());
}

#[tokio::test]
async fn of_a_names_many_addresses_those_inside_are_passed_over() {
    let settings = WebhookSettings { internal_networks: vec!["127.0.0.1/32".parse().unwrap()], ..local() };
    let inside =
        ["169.254.169.254", "::ffff:10.0.0.1", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a00:1"];
    let resolver = Resolver::new(move |_| {
        let all = inside.iter().chain(&["127.0.0.1"]).map(|address| address.parse().unwrap()).collect();
        async move { io::Result::Ok(all) }.boxed()
    });
    let house = House::resolving(settings, resolver).await;
    let endpoint = Endpoint::ok().await;
    let made = house.webhook(&format!("http://many.example:{}/", endpoint.address.port())).await;
    let ping = ops::ping(house.pool(), &house.webhooks, GUILD, made.webhook.id).await.unwrap();
    assert!(ping.delivered, "{ping:?}");
}

#[tokio::test]
async fn a_name_that_points_inside_is_not_called_unless_the_operator_says_so() {
    let mut endpoint = Endpoint::ok().await;
    let url = format!("https://localhost:{}/", endpoint.address.port());
    let house = House::idle(WebhookSettings { ports: Vec::new(), ..WebhookSettings::default() }).await;
    let made = house.webhook(&url).await;
    let ping = ops::ping(house.pool(), &house.webhooks, GUILD, made.webhook.id).await.unwrap();
    assert!(!ping.delivered);
    assert_eq!(ping.error.as_deref(), Some("the address must not lead to an internal address"));
    assert!(endpoint.is_quiet());
}

#[test]
fn addresses_are_refused_when_they_are_given_already() {
    let sender = Sender::new(WebhookSettings::default()).unwrap();
    for wrong in [
        "",
        "example.org",
        "ftp://example.org/",
        "https://",
        "http://example.org/",
        "https://user:pw@example.org/",
        "https://example.org/#x",
        "https://example.org:22/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.1.2.3:8443/",
    ] {
        assert!(matches!(sender.check_url(wrong), Err(Error::Field(field, _)) if field == "url"), "{wrong}");
    }
    assert!(matches!(
        sender.check_url(&format!("https://e.org/{}", "x".repeat(2000))),
        Err(Error::Field(..))
    ));
    for good in [
        "https://example.org/hook?x=1",
        "https://example.org:8443/",
        "https://1.1.1.1/",
        " https://EXAMPLE.org",
    ] {
        assert!(sender.check_url(good).is_ok(), "{good}");
    }
    let inside = WebhookSettings {
        internal_networks: vec!["10.0.0.0/8".parse().unwrap()],
        ..WebhookSettings::default()
    };
    let inside = Sender::new(inside).unwrap();
    assert!(inside.check_url("http://10.1.2.3:3000/").is_ok());
    assert!(inside.check_url("http://11.1.2.3:3000/").is_err());
}

#[tokio::test]
async fn tls_is_checked() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let endpoint = Endpoint::tls(TlsAcceptor::from(Arc::new(config))).await;
    let folder = db::testing::Folder::new();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, cert.pem()).unwrap();
    let trusting = WebhookSettings { ca_file: Some(file), ..local() };
    for (settings, host, expected) in [
        (trusting.clone(), "localhost", true),
        // A stranger's certificate, and one for another name.
        (local(), "localhost", false),
        (trusting, "127.0.0.1", false),
    ] {
        let house = House::idle(settings).await;
        let url = format!("https://{host}:{}/", endpoint.address.port());
        let new = NewWebhook { name: "x".into(), url, event_types: vec!["*".into()] };
        let made =
            ops::webhook_create(house.pool(), &house.webhooks, GUILD, new, By::Cli, &Origin::default()).await;
        let id = made.unwrap().webhook.id;
        let ping = ops::ping(house.pool(), &house.webhooks, GUILD, id).await.unwrap();
        assert_eq!(ping.delivered, expected, "{host}: {ping:?}");
        assert!(expected || ping.error.unwrap().starts_with("TLS failed"));
    }
}
