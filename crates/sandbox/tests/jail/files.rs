//! What a script finds beside it, and what it makes for its participant.

use std::sync::Arc;

use sandbox::files::{MAX_MADE_BYTES, MOST_MADE};
use sandbox::generator::{self, GeneratorError};
use sandbox::{File, Job, RunError, Rung};

use super::{job, on_rung, printed, sandbox, short, text};

fn file(path: &str, content: &[u8]) -> File {
    File { path: path.to_owned(), content: content.into() }
}

fn with_files(script: &str) -> Job {
    let files = [
        file("files/words.txt", "north\nsouth\nå\n".as_bytes()),
        file("files/deep/table.bin", &[0, 1, 255]),
        file("files/helper.py", b"import geometry.shapes\ndef six(): return geometry.shapes.area(2) + 2\n"),
        file("files/random.py", b"raise SystemExit('the library comes first')\n"),
        file("lib/geometry/__init__.py", b""),
        file("lib/geometry/shapes.py", b"def area(x):\n    return x * x\n\ndef wrong():\n    return [][1]\n"),
    ];
    Job { files: Arc::from(files), ..job(script) }
}

/// Every rung gives the same, also the one that opens no file at all.
#[tokio::test]
async fn a_script_finds_its_authors_files_and_modules() {
    let script = "import os, sys, random, pathlib, csv\n\
        words = open('files/words.txt').read().split()\n\
        beside = pathlib.Path(__file__).parent / 'files' / 'deep' / 'table.bin'\n\
        import helper\n\
        from geometry.shapes import area\n\
        print(words, list(beside.read_bytes()), helper.six(), area(3), sorted(os.listdir('files')), random.random() > 0)";
    for rung in Rung::JAILED {
        let sandbox = on_rung(rung, short()).await;
        let found = text(sandbox.run(1, with_files(script)).await);
        assert_eq!(
            found,
            "['north', 'south', 'å'] [0, 1, 255] 6 9 ['deep', 'helper.py', 'random.py', 'words.txt'] True",
            "{rung}"
        );
        // The next run has none of it.
        let next = "import os\nprint(os.path.exists('files'), os.listdir('/tmp'), os.listdir('/out'))";
        assert_eq!(printed(&sandbox, next).await, "False [] []", "{rung}");
    }
}

#[tokio::test]
async fn a_module_that_fails_is_named_with_its_line() {
    let sandbox = sandbox(1).await;
    let error =
        sandbox.run(1, with_files("import geometry.shapes\n\ngeometry.shapes.wrong()")).await.unwrap_err();
    let RunError::Script { line, traceback, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*line, Some(3), "{error}");
    assert!(
        traceback.contains("File \"/campaign/lib/geometry/shapes.py\", line 5, in wrong\n    return [][1]"),
        "{traceback}"
    );
    let error = sandbox.run(1, with_files("open('files/wrods.txt')")).await.unwrap_err().to_string();
    assert!(error.contains("No such file") && error.contains("files/wrods.txt"), "{error}");
}

#[tokio::test]
async fn tmp_is_a_scripts_own() {
    let script = "import os, shutil, tempfile, zipfile\n\
        with tempfile.TemporaryDirectory() as folder:\n\
        \x20   open(os.path.join(folder, 'a.txt'), 'w').write('x')\n\
        \x20   os.makedirs(folder + '/b/c')\n\
        \x20   shutil.copy(folder + '/a.txt', folder + '/b/c')\n\
        \x20   with zipfile.ZipFile('/tmp/all.zip', 'w') as archive:\n\
        \x20       archive.write(folder + '/b/c/a.txt', 'a.txt')\n\
        with tempfile.NamedTemporaryFile('w+') as named:\n\
        \x20   named.write('y'); named.flush()\n\
        \x20   again = open(named.name).read()\n\
        number, path = tempfile.mkstemp()\n\
        os.write(number, b'z'); os.close(number)\n\
        print(os.path.exists(folder), zipfile.ZipFile('/tmp/all.zip').read('a.txt'), again, open(path).read(), tempfile.TemporaryFile().read())";
    for rung in Rung::JAILED {
        let sandbox = on_rung(rung, short()).await;
        assert_eq!(printed(&sandbox, script).await, "False b'x' y z b''", "{rung}");
    }
}

#[tokio::test]
async fn what_a_script_makes_for_its_participant_comes_out_whole() {
    let sandbox = sandbox(1).await;
    let script = "import base64, json, os\n\
        out = os.environ['QUESTHALL_OUT']\n\
        open(os.path.join(out, 'map.bin'), 'wb').write(bytes(range(256)) * 1000)\n\
        unclosed = open(out + '/note.txt', 'w')\n\
        unclosed.write('å')\n\
        files = {'a.txt': 'text', 'b.bin': {'base64': base64.b64encode(b'\\0\\1').decode()}}\n\
        print(json.dumps({'input': 'x', 'result': 12345, 'files': files}))";
    let made = generator::generate(&sandbox, 1, job(script)).await.unwrap();
    let named: Vec<(&str, &[u8])> = made.files.iter().map(|f| (f.path.as_str(), &*f.content)).collect();
    let map: Vec<u8> = (0..=255).cycle().take(256_000).collect();
    assert_eq!(
        named,
        [("a.txt", &b"text"[..]), ("b.bin", b"\0\x01"), ("map.bin", &map), ("note.txt", "å".as_bytes())]
    );
    // A script that fails leaves nothing.
    let error = sandbox.run(1, job("open('/out/x', 'w').write('x')\n1 / 0")).await.unwrap_err();
    assert!(error.to_string().contains("ZeroDivisionError"), "{error}");
}

#[tokio::test]
async fn files_with_strange_names_or_too_much_in_them_are_refused_by_name() {
    let sandbox = sandbox(1).await;
    let made = async |script: &str| {
        let script = format!("import os, json\n{script}\nprint(json.dumps({{'input': 1, 'result': 12345}}))");
        match generator::generate(&sandbox, 1, job(&script)).await.unwrap_err() {
            GeneratorError::Run(error) => error.to_string(),
            other @ GeneratorError::Output { .. } => other.to_string(),
        }
    };
    for (script, words) in [
        ("os.mkdir('/out/a')\nopen('/out/a/b', 'w')", "is called \"a/b\": its name holds the character /"),
        ("open('/out/\\u202egpj.exe', 'w')", "its name holds the character \\u{202e}"),
        ("open('/out/a\\nb', 'w')", "its name holds the character \\n"),
        ("open('/out/.profile', 'w')", "its name begins with a dot"),
        ("open('/out/a?b', 'w')", "its name holds the character ?"),
        ("open(b'/out/\\xff', 'w')", "a name of theirs is no text"),
        ("open('/out/' + 'x' * 300, 'w')", "its name is longer than 200 bytes"),
        ("for n in range(21): open(f'/out/{n}', 'w')", "it made 21 files; there may be 20"),
        ("open('/out/x', 'wb').write(bytes((4 << 20) + 1))", "they may be 4 MiB together"),
        ("open('/out/x', 'wb').write(bytes(5 << 20))", "larger than 4 MiB together"),
        (
            "print(json.dumps({'input': 1, 'result': 12345, 'files': {'x': 'y'}}))\nopen('/out/x', 'w')\nos.write(1, b'')\nimport sys; sys.exit()",
            "two files that are called \"x\"",
        ),
    ] {
        let said = made(script).await;
        assert!(said.contains(words), "{script}: {said}");
    }
    assert_eq!((MOST_MADE, MAX_MADE_BYTES), (20, 4 << 20), "what the words above say");
    let most = "for n in range(20): open(f'/out/{n}', 'wb').write(bytes(200_000))\nprint('{\"input\": 1, \"result\": 12345}')";
    assert_eq!(generator::generate(&sandbox, 1, job(most)).await.unwrap().files.len(), 20);
}

/// Links, devices, names with NUL, ways out and too much of everything: in `/tmp` and in the participant's folder alike.
#[tokio::test]
async fn what_is_no_file_or_leads_elsewhere_is_never_made() {
    let sandbox = sandbox(1).await;
    let mut hostile = Vec::new();
    for folder in ["/out", "/tmp"] {
        for (script, words) in [
            ("os.symlink('/etc/passwd', 'FOLDER/x')", "PermissionError"),
            ("os.symlink('FOLDER', 'FOLDER/loop')", "PermissionError"),
            ("open('FOLDER/a', 'w').close()\nos.link('FOLDER/a', 'FOLDER/b')", "PermissionError"),
            ("os.mkfifo('FOLDER/x')", "PermissionError"),
            ("os.mknod('FOLDER/x', 0o20666, os.makedev(1, 5))", "PermissionError"),
            ("open('FOLDER/a\\0b', 'w')", "ValueError: embedded null"),
            ("open('FOLDER/../etc/x', 'w')", "jail"),
            ("open('FOLDER/a', 'w').close()\nos.rename('FOLDER/a', '/etc/x')", "OSError"),
            ("open('FOLDER/a', 'w').close()\nos.rename('/etc/passwd', 'FOLDER/x')", "OSError"),
            ("open('FOLDER/x', 'wb').write(bytes(17 << 20))", "hold at most 16 MiB together"),
            ("for n in range(600): open(f'FOLDER/{n}', 'w').close()", "hold at most 512 files together"),
            ("open('FOLDER/x', 'wb').truncate(1 << 60)", "hold at most 16 MiB together"),
        ] {
            hostile.push((script.replace("FOLDER", folder), words));
        }
    }
    for (script, words) in hostile {
        let script = format!("import os\n{script}\nprint('{{\"input\": 1, \"result\": 12345}}')");
        let error = generator::generate(&sandbox, 1, job(&script)).await.unwrap_err().to_string();
        assert!(error.contains(words), "{script}: {error}");
    }
    assert_eq!(sandbox.stats().restarts, 0);
}

/// The date of files is fixed, so that archives of them are the same in two runs.
#[tokio::test]
async fn a_check_finds_files_that_differ() {
    let sandbox = sandbox(1).await;
    let seeds = ["a".to_owned(), "b".to_owned()];
    let check = async |script: &str| {
        let tail = "import json, random\nprint(json.dumps({'input': random.random(), 'result': random.randint(1, 10**9)}))";
        generator::check(&sandbox, 1, &job(&format!("{script}\n{tail}")), &seeds, &[]).await
    };
    let same = check(
        "import shutil, os\nos.makedirs('/tmp/a')\nopen('/tmp/a/x', 'w').write('y')\nshutil.make_archive('/out/all', 'zip', '/tmp/a')",
    )
    .await;
    assert!(same.is_good(), "{:?}", same.problems);
    assert_eq!(same.seeds[0].outcome.as_ref().unwrap().files[0].path, "all.zip");
    let other = check("import os\nopen('/out/x', 'wb').write(os.urandom(8))").await;
    assert!(
        other.problems[0]
            .message
            .contains("a different file: first x of 8 bytes, then x of 8 bytes, other from byte"),
        "{:?}",
        other.problems
    );
}
