//! A PostgreSQL that speaks TLS: a real one, with a certificate of our own making.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
};

use db::{Database, Settings, testing::PrivateCluster};
use rcgen::{CertifiedKey, generate_simple_self_signed};

/// Ends its PostgreSQL when dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts `postgres` over a cluster that nobody has open, with TLS on TCP, and waits until it is ready.
    fn start(bindir: &Path, pgdata: &Path, ssl: bool) -> Self {
        loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            match Self::start_at(bindir, pgdata, ssl, port) {
                Ok(server) => return server,
                // Somebody else took the port meanwhile.
                Err(said) if said.iter().any(|line| line.contains("Address already in use")) => {}
                Err(said) => panic!("it did not start: {said:#?}"),
            }
        }
    }

    /// What it said where it ends by itself.
    fn start_at(bindir: &Path, pgdata: &Path, ssl: bool, port: u16) -> Result<Self, Vec<String>> {
        let owner = fs::metadata(pgdata).unwrap();
        let mut command = Command::new(bindir.join("postgres"));
        command.arg("-D").arg(pgdata).args([
            "-c",
            "listen_addresses=localhost",
            "-c",
            "unix_socket_directories=",
        ]);
        command.arg("-c").arg(format!("port={port}"));
        command.arg("-c").arg(format!("hba_file={}", pgdata.join("tls_hba.conf").display()));
        command.arg("-c").arg(format!("ssl={}", if ssl { "on" } else { "off" }));
        for (setting, file) in [("ssl_cert_file", "tls.crt"), ("ssl_key_file", "tls.key")] {
            command.arg("-c").arg(format!("{setting}={}", pgdata.join(file).display()));
        }
        command.args(["-c", "logging_collector=off", "-c", "log_destination=stderr"]);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if owner.uid() != nix::unistd::geteuid().as_raw() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let mut process = command.spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        loop {
            let Some(line) = log.next() else {
                process.wait().unwrap();
                return Err(said);
            };
            said.push(line.unwrap());
            if said.last().unwrap().contains("ready to accept connections") {
                break;
            }
        }
        // It must not stop because nobody reads what it logs.
        std::thread::spawn(move || log.count());
        Ok(Self { process, port })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT);
        let _ = self.process.wait();
    }
}

/// A file for PostgreSQL's account only.
fn put(pgdata: &Path, name: &str, text: &str) {
    let path = pgdata.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let owner = fs::metadata(pgdata).unwrap();
    chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
}

/// Whether the connection is encrypted, or why there is none.
async fn connect(host: &str, port: u16, parameters: &str) -> Result<bool, String> {
    let url = format!("postgres://questhall:open%20sesame@{host}:{port}/questhall?{parameters}");
    let settings = Settings { url: Some(url), ..Settings::default() };
    let database = Database::open(&settings).await.map_err(|error| error.to_string())?;
    let encrypted = sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .fetch_one(database.pool())
        .await
        .unwrap();
    database.close().await;
    Ok(encrypted)
}

/// A cluster at rest whose owner has a password, and the folder with its programs.
async fn cluster_with_password() -> (PrivateCluster, String) {
    let cluster = PrivateCluster::new();
    let database = cluster.open().await.unwrap();
    let bindir: String = sqlx::query_scalar("SELECT setting FROM pg_config WHERE name = 'BINDIR'")
        .fetch_one(database.pool())
        .await
        .unwrap();
    sqlx::raw_sql("ALTER ROLE questhall PASSWORD 'open sesame'").execute(database.pool()).await.unwrap();
    database.close().await;
    (cluster, bindir)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_encrypted_where_the_url_says_so() {
    let (cluster, bindir) = cluster_with_password().await;
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pgdata = cluster.pgdata();
    put(&pgdata, "tls.crt", &cert.pem());
    put(&pgdata, "tls.key", &signing_key.serialize_pem());
    // Whoever comes without TLS is turned away, and whoever comes with it is asked for the password.
    put(&pgdata, "tls_hba.conf", "hostssl all all all scram-sha-256\nhostnossl all all all reject\n");
    let root = cluster.folder().join("root.crt");
    fs::write(&root, cert.pem()).unwrap();
    let root = root.display();

    let server = Server::start(Path::new(&bindir), &pgdata, true);
    for parameters in
        ["", "sslmode=prefer", "sslmode=require", &format!("sslmode=verify-full&sslrootcert={root}")]
    {
        assert_eq!(connect("localhost", server.port, parameters).await, Ok(true), "{parameters}");
    }
    for (host, parameters, why) in [
        ("localhost", "sslmode=disable".to_owned(), "refused the connection"),
        // Nobody we trust has signed it.
        ("localhost", "sslmode=verify-full".to_owned(), "certificate"),
        ("localhost", "sslmode=verify-ca".to_owned(), "certificate"),
        // It is another's.
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={root}"), "certificate"),
    ] {
        let refused = connect(host, server.port, &parameters).await.unwrap_err();
        assert!(refused.contains(why), "{host} {parameters}: {refused}");
        assert!(!refused.contains("sesame"), "{refused}");
    }
    // Whose it is does not matter to who only wants a known signature.
    let known = format!("sslmode=verify-ca&sslrootcert={root}");
    assert_eq!(connect("127.0.0.1", server.port, &known).await, Ok(true));
    drop(server);

    put(&pgdata, "tls_hba.conf", "host all all all scram-sha-256\n");
    let server = Server::start(Path::new(&bindir), &pgdata, false);
    assert_eq!(connect("localhost", server.port, "sslmode=prefer").await, Ok(false));
    let refused = connect("localhost", server.port, "sslmode=require").await.unwrap_err();
    assert!(refused.contains("does not support TLS"), "{refused}");
}

/// Made with `openssl x509 -req` and no extensions, as old how-tos have it: version 1. The key is nobody's.
const OLD_CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBIzCBywIUKkBbqeQsc1ccGeqYWv/ddFBiVYwwCgYIKoZIzj0EAwIwFDESMBAG
A1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyOTExMjE0NFoYDzIxMjYxMTA1MTEyMTQ0
WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAT+CcKRQWALEXwtf8iHpNk4TWu25OPABGux66+Jv8bWFfbTtlOb4znkbxwJVLyl
2Iy92A9ngJgip2YiHIZcMJdUMAoGCCqGSM49BAMCA0cAMEQCIHbuioLvFrmIWdC1
px3Zgws5WzoDPPoeL6mzSWLfrVO5AiBs4BqQ5MGH4q5BG6wYJPv60/NTOSioHFlH
+ZAAZav/Vw==
-----END CERTIFICATE-----
";
const OLD_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtujA4sA0H34BBEcj
2OMvdCxjK2n7BNyMt2lkOgQ0h4KhRANCAAT+CcKRQWALEXwtf8iHpNk4TWu25OPA
BGux66+Jv8bWFfbTtlOb4znkbxwJVLyl2Iy92A9ngJgip2YiHIZcMJdU
-----END PRIVATE KEY-----
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_an_old_kind_is_told_with_the_setting_that_helps() {
    let (cluster, bindir) = cluster_with_password().await;
    let pgdata = cluster.pgdata();
    put(&pgdata, "tls.crt", OLD_CERTIFICATE);
    put(&pgdata, "tls.key", OLD_KEY);
    put(&pgdata, "tls_hba.conf", "host all all all scram-sha-256\n");
    let server = Server::start(Path::new(&bindir), &pgdata, true);
    for parameters in ["", "sslmode=prefer", "sslmode=require"] {
        let refused = connect("localhost", server.port, parameters).await.unwrap_err();
        assert!(refused.contains("X.509 version 1") && refused.contains("`sslmode=disable`"), "{refused}");
        assert!(!refused.contains("sesame"), "{refused}");
    }
    assert_eq!(connect("localhost", server.port, "sslmode=disable").await, Ok(false), "the setting helps");
}
