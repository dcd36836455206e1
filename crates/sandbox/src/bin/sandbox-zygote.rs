//! The sandbox as a program of its own: what the crate's tests start as a zygote, and a way to try one script.
//!
//! `sandbox-zygote SCRIPT [SEED]` runs a script in the strongest jail that holds and prints what it printed;
//! `sandbox-zygote --probe` says, as JSON, which jails hold.

use std::process::ExitCode;

use sandbox::{Config, Job, Sandbox};

fn main() -> ExitCode {
    sandbox::zygote_main_if_asked();
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: sandbox-zygote --probe | SCRIPT [SEED]");
        return ExitCode::from(2);
    };
    if path == "--probe" {
        println!("{}", serde_json::json!(sandbox::probe()));
        return ExitCode::SUCCESS;
    }
    let seed = arguments.next().unwrap_or_else(|| "seed".to_owned());
    match try_script(&path, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn try_script(path: &str, seed: String) -> Result<(), Box<dyn std::error::Error>> {
    let script = std::fs::read_to_string(path)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let sandbox = Sandbox::start(Config { workers: 1, ..Config::default() }).await?;
        let (python, version) = sandbox.python();
        eprintln!("{} · {} {version:?}", sandbox.rung(), python.display());
        let job = Job {
            script: script.into(),
            file_name: path.into(),
            seed,
            stdin: None,
            hash_seed_variant: false,
        };
        let result = sandbox.run(0, job).await;
        sandbox.shutdown().await;
        match result {
            Ok(output) => {
                eprint!("{}", output.stderr);
                print!("{}", String::from_utf8_lossy(&output.stdout));
                eprintln!("wall {:?} · cpu {:?}", output.wall, output.cpu);
                Ok(())
            }
            Err(error) => {
                if let sandbox::RunError::Script { traceback, .. } = &error {
                    eprint!("{traceback}");
                }
                Err(error.into())
            }
        }
    })
}
