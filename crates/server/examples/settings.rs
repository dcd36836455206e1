//! Prints docs/settings.md, without building the whole command line.

fn main() {
    print!("{}", access::settings::document(&server::settings_registry()));
}
