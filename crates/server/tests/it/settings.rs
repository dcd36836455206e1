//! Settings and where they come from.

use std::net::SocketAddr;
use std::time::Duration;

use db::testing::Folder;
use server::Settings;
use server::settings::{LogFormat, Override, Role, Roles, Sources, load, load_with};

fn from_file(text: &str, overrides: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = Folder::new();
    let file = folder.path().join("questhall.toml");
    std::fs::write(&file, text).unwrap();
    let overrides = overrides
        .iter()
        .map(|(setting, value)| Override {
            setting: (*setting).to_owned(),
            value: (*value).to_owned(),
            option: format!("--{}", setting.replace('.', "-")),
        })
        .collect();
    let sources = Sources { file: Some(file.clone()), overrides, without_environment: true };
    load(&sources).map_err(|error| error.to_string().replace(&file.display().to_string(), "questhall.toml"))
}

#[test]
fn nothing_set_gives_the_defaults() {
    let settings = from_file("", &[]).unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.http.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
}

#[test]
fn a_file_sets_what_it_names_and_the_command_line_overrules_it() {
    let text = "
        roles = [\"http\", \"worker\"]
        [http]
        listen = \"0.0.0.0:80\"
        request_timeout = \"5s\"
        [db]
        pool_size = 3
        [log]
        format = \"json\"
    ";
    let settings = from_file(text, &[("http.listen", "127.0.0.1:0"), ("roles", "http")]).unwrap();
    assert_eq!(settings.http.listen, SocketAddr::from(([127, 0, 0, 1], 0)));
    assert_eq!(settings.http.request_timeout, Duration::from_secs(5));
    assert_eq!(settings.db.pool_size, 3);
    assert_eq!(settings.log.format, LogFormat::Json);
    assert_eq!(settings.roles, Roles::new([Role::Http]));
}

#[test]
fn errors_name_the_setting_its_source_and_what_is_expected() {
    let error = |text: &str, overrides: &[(&str, &str)]| from_file(text, overrides).unwrap_err();
    insta::assert_snapshot!(
        [
            error("[http]\nlisten = \"everywhere\"", &[]),
            error("[http]\nlisten = 80", &[]),
            error("[http]\nlissten = \"127.0.0.1:1\"", &[]),
            error("[htp]\nlisten = 1", &[]),
            error("http = []", &[]),
            error("[http]\nrequest_timeout = \"soon\"", &[]),
            error("[http]\nrequest_timeout = 0", &[]),
            error("[db]\npool_size = -1", &[]),
            error("[db]\npool_size = 0", &[]),
            error("roles = [\"http\", \"cook\"]", &[]),
            error("[log]\nformat = \"xml\"", &[]),
            error("[log]\nfilter = \"a=b=c\"", &[]),
            error("[metrics]\ntoken = \"short\"", &[]),
            error("", &[("http.listen", "nowhere")]),
            error("", &[("http.body_limit", "0")]),
            error("[http\n", &[]),
        ]
        .join("\n"),
        @r#"
        setting http.listen (from questhall.toml): must be an address and a port such as "127.0.0.1:8080" or "[::]:8080", not "everywhere"
        setting http.listen (from questhall.toml): must be an address and a port such as "127.0.0.1:8080" or "[::]:8080", not 80
        setting http.lissten (from questhall.toml): is not known here; known are listen, public_url, body_limit, upload_limit, request_timeout, header_timeout, stall_timeout, max_connections, trust_forwarded_for, trusted_proxies, cors_origins, drain_timeout, drain_delay
        setting htp (from questhall.toml): is not known here; known are roles, data_dir, migrate, http, auth, secrets, db, sandbox, learning, workers, streams, webhooks, nats, discord, metrics, log
        setting http (from questhall.toml): must be a table, not a list
        setting http.request_timeout (from questhall.toml): must be a duration such as "250ms", "30s", "5min", "1h", or a number of seconds, not "soon"
        setting http.request_timeout (from questhall.toml): must be longer than 0
        setting db.pool_size (from questhall.toml): must be a whole number that is not negative, not -1
        setting db.pool_size (from questhall.toml): must be at least 1
        setting roles (from questhall.toml): must be a list of http, worker and scheduler, or a text such as "http,worker"
        setting log.format (from questhall.toml): must be one of text, json, not `xml`
        setting log.filter (from questhall.toml): must be a filter such as `info,jobs=debug`: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
        setting metrics.token (from questhall.toml): must have at least 16 characters
        setting http.listen (from the command line, --http-listen): must be an address and a port such as "127.0.0.1:8080" or "[::]:8080", not "nowhere"
        setting http.body_limit (from the command line, --http-body_limit): must be at least 1 and not above http.upload_limit
        the settings file questhall.toml is not TOML: TOML parse error at line 1, column 6
          |
        1 | [http
          |      ^
        unclosed table, expected `]`
        "#
    );
}

#[test]
fn a_named_file_must_be_there() {
    let sources =
        Sources { file: Some("/no/such/file.toml".into()), without_environment: true, ..Sources::default() };
    assert!(
        load(&sources).unwrap_err().to_string().starts_with("there is no settings file /no/such/file.toml")
    );
}

#[test]
fn the_data_directory_is_the_private_clusters() {
    let settings = from_file("data_dir = \"/srv/questhall\"", &[]).unwrap();
    assert_eq!(settings.db.data_dir.to_str(), Some("/srv/questhall"));
}

#[test]
fn the_environment_is_between_the_file_and_the_command_line() {
    let variables =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let sources = Sources::default();
    let settings = load_with(
        &sources,
        variables(&[
            ("DATABASE_URL", "postgres://from-everybody/db"),
            ("QUESTHALL_HTTP__LISTEN", "127.0.0.1:7"),
            ("QUESTHALL_DB__POOL_SIZE", "7"),
            ("QUESTHALL_DB__LOCK_TIMEOUT", "250ms"),
            ("QUESTHALL_ROLES", "worker,scheduler"),
            ("QUESTHALL_METRICS__TOKEN", "0123456789abcdef"),
            // None of ours.
            ("QUESTHALL_TEST_DATABASE_URL", "x"),
            ("QUESTHALLS", "x"),
            ("PATH", "x"),
        ]),
    )
    .unwrap();
    assert_eq!(settings.db.url.as_deref(), Some("postgres://from-everybody/db"));
    assert_eq!(settings.http.listen, SocketAddr::from(([127, 0, 0, 1], 7)));
    assert_eq!((settings.db.pool_size, settings.db.lock_timeout), (7, Duration::from_millis(250)));
    assert_eq!(settings.roles, Roles::new([Role::Worker, Role::Scheduler]));
    assert!(!format!("{settings:?}").contains("0123456789abcdef"));

    let both = variables(&[
        ("QUESTHALL_DB__URL", "postgres://ours/db"),
        ("DATABASE_URL", "postgres://everybody/db"),
    ]);
    assert_eq!(load_with(&sources, both).unwrap().db.url.as_deref(), Some("postgres://ours/db"));

    let error = load_with(&sources, variables(&[("QUESTHALL_HTTP__LISTN", "1")])).unwrap_err().to_string();
    assert!(
        error.starts_with("setting http.listn (from the environment variable QUESTHALL_HTTP__LISTN)"),
        "{error}"
    );
}
