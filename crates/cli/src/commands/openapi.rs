//! `questhall openapi`: the API's document, from the code.

use crate::{
    args::OpenapiArgs,
    failure::{Code, Failure},
    screen::Screen,
};

pub(crate) fn run(args: &OpenapiArgs, screen: &Screen) -> Result<(), Failure> {
    let document = server::document_text(&server::openapi());
    match &args.out {
        None => screen.print(&document),
        Some(file) => std::fs::write(file, document).map_err(|error| {
            Failure::new(Code::Unavailable, format!("cannot write {}: {error}", file.display()))
        }),
    }
}
