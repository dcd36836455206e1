//! Gives back what starting took. All `unsafe` of this crate is here.
//!
//! Starting builds much that is dropped or never run again: the API's document three times, routers, migrations, certificates. The
//! allocator keeps what was freed, some 13 MiB, and every page of the program that start-up code ran through, or that lay beside
//! it, stays mapped, another 30 MiB. A process that serves a small community all year should not carry that.
#![expect(unsafe_code, reason = "neither call has a safe wrapper; see the SAFETY notes")]

use std::fs;
use std::ptr::NonNull;
use std::time::Duration;

use nix::libc::c_void;
use nix::sys::mman::{MmapAdvise, madvise};

/// How long after the start: the periodic jobs' first run is over by then, on a slow machine too.
const AFTER: Duration = Duration::from_secs(30);

/// Once, a while after the start.
pub(crate) async fn settle() {
    tokio::time::sleep(AFTER).await;
    // Faults and locks of the allocator are not for a thread that serves requests.
    let _ = tokio::task::spawn_blocking(|| {
        free_heap();
        unmap_code();
    })
    .await;
}

#[cfg(target_env = "gnu")]
fn free_heap() {
    // SAFETY: the call takes the allocator's own locks and touches only memory that nobody has.
    unsafe { nix::libc::malloc_trim(0) };
}

#[cfg(not(target_env = "gnu"))]
fn free_heap() {}

/// Lets go of the pages of the program's code and constants; those that are used come back by themselves, from the page cache.
fn unmap_code() {
    let Ok(program) = std::env::current_exe() else { return };
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for line in maps.lines() {
        let Some((from, to)) = code_of(line, &program.to_string_lossy()) else { continue };
        let Some(address) = NonNull::new(std::ptr::with_exposed_provenance_mut::<c_void>(from)) else {
            continue;
        };
        // SAFETY: the range is a mapping of the program's file that nobody may write to and that holds nothing to relocate, so every
        // page of it is as it is in the file, and reading it again gives the same. Nothing else is mapped there: it is never unmapped.
        if let Err(error) = unsafe { madvise(address, to - from, MmapAdvise::MADV_DONTNEED) } {
            tracing::debug!(%error, "the program's code stays mapped");
        }
    }
}

/// The addresses of a line of `/proc/self/maps` if it is the program's code, or its head with the constants (at offset 0): what nobody
/// can have written to. What else is read-only was relocated first, and must stay.
fn code_of(line: &str, program: &str) -> Option<(usize, usize)> {
    let (place, rest) = line.split_once(' ')?;
    let code = (rest.starts_with("r-xp ") || rest.starts_with("r--p 00000000 "))
        && rest.ends_with(&format!(" {program}"));
    let (from, to) = place.split_once('-')?;
    let range = (usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?);
    (code && range.0 < range.1).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_code_is_let_go() {
        let of = |line| code_of(line, "/usr/bin/questhall");
        assert_eq!(
            of("55d0c0a3e000-55d0c35c2000 r-xp 00f32000 fe:00 131 /usr/bin/questhall"),
            Some((0x55d0_c0a3_e000, 0x55d0_c35c_2000))
        );
        assert_eq!(
            of("55d0bfb0c000-55d0c0a3e000 r--p 00000000 fe:00 131 /usr/bin/questhall"),
            Some((0x55d0_bfb0_c000, 0x55d0_c0a3_e000))
        );
        for other in [
            "55d0c0a3e000-55d0c35c2000 r--p 00f32000 fe:00 131 /usr/bin/questhall",
            "55d0c0a3e000-55d0c35c2000 rwxp 00f32000 fe:00 131 /usr/bin/questhall",
            "7f0000000000-7f0000001000 r-xp 00000000 fe:00 99 /usr/lib/libc.so.6",
            "7f0000000000-7f0000001000 r-xp 00000000 fe:00 99 /opt/usr/bin/questhall-old",
            "7ffd1c5f2000-7ffd1c5f4000 r-xp 00000000 00:00 0 [vdso]",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_process_goes_on_without_its_pages() {
        free_heap();
        unmap_code();
        let program = std::env::current_exe().unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        assert!(maps.lines().any(|line| code_of(line, &program.to_string_lossy()).is_some()), "{maps}");
    }
}
