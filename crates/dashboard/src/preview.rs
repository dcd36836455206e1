//! What a link to a page for the world looks like where somebody shows it: Open Graph, and a picture of what the page says.
//!
//! The picture says nothing that the page does not, and comes from the same reads: what a guild closes, and who leaves, is gone from both.

mod picture;

use std::fmt::Write as _;

use access::App;
use axum::http::HeaderValue;
use cards::POSTER_SIZE;
use frame::html::{Html, escape};

pub(crate) use picture::picture;

/// For how many seconds a copy of what is the same for everybody may be shown: whoever links to it may bring many at once. So long does
/// it also take until nobody sees any more what a guild closes.
pub(crate) const SHARED: HeaderValue = HeaderValue::from_static("public, max-age=15");

/// What a page looks like where somebody links to it.
#[derive(Debug, Clone)]
pub(crate) struct Preview {
    pub(crate) title: String,
    about: String,
    /// Its own address, where the server knows how the world reaches it: a picture has to be named by a whole one.
    url: Option<String>,
}

impl Preview {
    /// Of the page at this path, whose picture is at `PATH/preview.png`.
    pub(crate) fn new(app: &App, title: &str, about: String, path: &str) -> Self {
        let base = app.http().public_url.as_deref();
        let url = base.map(|base| format!("{}{path}", base.trim_end_matches('/')));
        Self { title: title.to_owned(), about, url }
    }

    /// Open Graph, as those read it who show links.
    pub(crate) fn head(&self) -> Html {
        let tag =
            |name: &str, text: &str| format!("<meta property=\"og:{name}\" content=\"{}\">\n", escape(text));
        let mut head = tag("type", "website") + &tag("site_name", "Questhall");
        head += &tag("title", &self.title);
        head += &tag("description", &self.about);
        let _ = writeln!(head, "<meta name=\"description\" content=\"{}\">", escape(&self.about));
        let mut card = "summary";
        if let Some(url) = &self.url {
            card = "summary_large_image";
            head += &tag("url", url);
            head += &tag("image", &format!("{url}/preview.png"));
            head += &tag("image:type", "image/png");
            head += &tag("image:width", &POSTER_SIZE.0.to_string());
            head += &tag("image:height", &POSTER_SIZE.1.to_string());
            head += &tag("image:alt", &format!("{}. {}", self.title, self.about));
            let _ = writeln!(head, "<link rel=\"canonical\" href=\"{}\">", escape(url));
        }
        let _ = writeln!(head, "<meta name=\"twitter:card\" content=\"{card}\">");
        Html::trusted(head)
    }
}
