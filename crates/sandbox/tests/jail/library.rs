//! What of Python a script finds in the jail, and how that Python is the one that its author knows.

use std::collections::BTreeSet;

use sandbox::{Job, Limits, Rung};

use super::{job, on_rung, printed, sandbox, short, text};

/// Every module that the same Python has outside can be imported inside, and does what it is for.
#[tokio::test]
async fn the_standard_library_is_there_whole() {
    let sandbox = on_rung(Rung::Namespaces, Limits::default()).await;
    // `antigravity` opens a browser, `this` prints; the rest belong to windows and to Python's own tests.
    let listed = "import importlib, sys\n\
        not_meant = {'antigravity', 'this', 'tkinter', '_tkinter', 'turtle', 'turtledemo', 'idlelib', 'test'}\n\
        for name in sorted(sys.stdlib_module_names - not_meant):\n\
        \x20   if name.startswith(('_test', '_xx', 'xx')): continue\n\
        \x20   try: importlib.import_module(name)\n\
        \x20   except BaseException: continue\n\
        \x20   print(name)";
    let outside = std::process::Command::new(sandbox.python().0)
        .args(["-I", "-S", "-B", "-W", "ignore", "-c", listed])
        .output()
        .unwrap();
    let outside: BTreeSet<String> =
        String::from_utf8(outside.stdout).unwrap().lines().map(str::to_owned).collect();
    assert!(outside.len() > 200, "{outside:?}");
    let script = format!("import warnings\nwarnings.simplefilter('ignore')\n{listed}");
    let inside: BTreeSet<String> = printed(&sandbox, &script).await.lines().map(str::to_owned).collect();
    let missing: Vec<_> = outside.difference(&inside).collect();
    assert!(missing.is_empty(), "the jail lacks {missing:?}");
    if outside.contains("sqlite3") {
        let script = "import sqlite3\ndb = sqlite3.connect(':memory:')\n\
            db.execute('create table t (n)')\ndb.executemany('insert into t values (?)', [(1,), (41,)])\n\
            print(db.execute('select sum(n) from t').fetchone()[0])";
        assert_eq!(printed(&sandbox, script).await, "42");
    }
    if outside.contains("ssl") {
        assert_eq!(
            printed(&sandbox, "import ssl\nssl.create_default_context()\nprint('made')").await,
            "made"
        );
    }
    if std::path::Path::new("/usr/share/zoneinfo/Europe/Berlin").exists() {
        let script = "import datetime, zoneinfo\n\
            print(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')).utcoffset())";
        for rung in [Rung::Namespaces, Rung::Landlock] {
            let sandbox = on_rung(rung, short()).await;
            if sandbox.rung() == rung {
                assert_eq!(printed(&sandbox, script).await, "2:00:00", "{rung}");
            }
        }
    }
}

/// Which only an interactive Python promises, but every Python that people know has.
#[tokio::test]
async fn exit_and_quit_end_a_script() {
    for rung in Rung::JAILED {
        let sandbox = on_rung(rung, short()).await;
        for way in ["exit()", "quit()", "exit(0)", "quit(None)"] {
            assert_eq!(
                printed(&sandbox, &format!("print(1)\n{way}\nprint(2)")).await,
                "1",
                "{way} on {rung}"
            );
        }
        let failed = sandbox.run(1, job("exit(3)")).await.unwrap_err();
        assert!(failed.to_string().contains("sys.exit(3)"), "{failed}");
    }
}

#[tokio::test]
async fn a_syntax_error_says_which_python_read_it() {
    let sandbox = sandbox(1).await;
    let version = sandbox.python().1.map(|n| n.to_string()).join(".");
    let failed = sandbox.run(1, job("x = (1,\n")).await.unwrap_err().to_string();
    assert!(failed.contains(&format!("read by Python {version}")), "{failed}");
}

/// What depends on the day is the same twice on one day: so the second run of a check lives on another.
#[tokio::test]
async fn the_second_run_of_a_check_is_on_another_day() {
    let sandbox = sandbox(2).await;
    for reads in [
        "import datetime\nprint(datetime.date.today())",
        "from datetime import datetime\nprint(datetime.now().year, datetime.now().month)",
        "from datetime import datetime, timezone\nprint(datetime.now(timezone.utc).date())",
        "import time\nprint(time.strftime('%Y-%m-%d'))",
        "import time\nprint(int(time.time()) // 864000)",
        "import time\nprint(time.localtime().tm_year, time.gmtime().tm_mon)",
        "import time\nprint(time.ctime().split()[1:3])",
    ] {
        let first = printed(&sandbox, reads).await;
        let second = sandbox.run(1, Job { hash_seed_variant: true, ..job(reads) }).await;
        assert_ne!(text(second), first, "{reads}");
    }
    // Who knows the day already, or only measures, sees no difference.
    let innocent = "import copy, datetime, json, pickle, time\nbegun = time.time()\ntoday = datetime.date.today()\n\
        d = datetime.datetime(2026, 2, 28, 12) + datetime.timedelta(days=1)\n\
        assert isinstance(d, datetime.datetime) and isinstance(today, datetime.date)\n\
        assert not isinstance(datetime.date(2026, 1, 1), datetime.datetime)\n\
        assert pickle.loads(pickle.dumps(d)) == copy.deepcopy(d) == d and d.date() == datetime.date(2026, 3, 1)\n\
        assert datetime.datetime.strptime('2026-03-01', '%Y-%m-%d').date() == d.date()\n\
        assert 0 <= time.time() - begun < 60\nprint(repr(d), repr(d.date()), d, d.weekday())";
    let first = printed(&sandbox, innocent).await;
    let second = sandbox.run(1, Job { hash_seed_variant: true, ..job(innocent) }).await;
    assert_eq!(text(second), first);
}
