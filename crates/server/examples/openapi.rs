//! Prints the API's document: what `questhall openapi` prints, without building the whole command line.

fn main() {
    print!("{}", server::document_text(&server::openapi()));
}
