//! Web pages for members and staff, rendered on the server.
//!
//! Promises:
//! * A page is a document: it can be read, and its forms sent, without script. The script makes times local, counts down, and keeps
//!   what is live alive.
//! * A handler is the API's own guard, the slices' own `ops` and a template: there is no SQL here and no rule. What the API refuses,
//!   a page refuses, in the same words.
//! * Nothing that somebody wrote becomes markup: text is escaped by its type ([`html::Html`] is what is not text), Markdown is made harmless
//!   ([`markdown`]), and the browser may run nothing but our own script ([`policy`]).
//! * Looking changes nothing: what starts a clock or costs something is a form, sent once however often it is sent ([`forms`](mod@forms)).
//! * Nothing comes from another host: arms are drawn from ids ([`sigil`]), charts are made here ([`chart`]).
//!
//! Map: [`router`] the routes, [`pages`](mod@pages) a folder an area, each template beside its handler · [`visit`] who looks, [`shell`] the frame, `nav` where one
//! may go · [`form`] and [`decode`] forms out and in, `flash` what they say afterwards, `csrf` · [`forms`](fn@forms) and [`problem_pages`], the layers that
//! the server puts around everything · [`ui`], [`format`](mod@format), [`chart`], [`markdown`], [`sigil`], `icon` parts of pages · `assets` files.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "templates lend what they pass, however small it is")]

pub mod chart;
mod csrf;
pub mod decode;
mod flash;
pub mod form;
pub mod format;
pub mod forms;
pub mod html;
pub mod icon;
pub mod markdown;
pub mod nav;
pub mod page;
pub mod pages;
pub mod policy;
mod problems;
pub mod shell;
pub mod sigil;
pub mod status;
pub mod typed;
pub mod ui;
pub mod visit;

mod assets;

pub use forms::forms;
pub use pages::router;
pub use problems::pages as problem_pages;
