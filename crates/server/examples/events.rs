//! Prints docs/events.md, without building the whole command line.

fn main() {
    // The server links every slice, and with them what they declare.
    let _ = server::openapi();
    print!("{}", delivery::document::document());
}
