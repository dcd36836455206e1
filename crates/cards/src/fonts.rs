//! Letters: those that are built in, and those of the machine for other scripts.

use std::sync::{Arc, Mutex, PoisonError};

use resvg::usvg::FontResolver;
use resvg::usvg::fontdb::{Database, ID, Source, Style};
use resvg::usvg::{Font, FontFamily};
use skrifa::{FontRef, MetadataProvider as _};

/// Of `DejaVu` Sans (assets/LICENSE): Latin, Greek, Cyrillic.
static REGULAR: &[u8] = include_bytes!("../assets/DejaVuSans.subset.ttf");
static BOLD: &[u8] = include_bytes!("../assets/DejaVuSans-Bold.subset.ttf");
/// Fonts of the machine that one picture is drawn with: each is shaped with.
const MOST: usize = 6;

/// Letters to draw with. Fonts of the machine are read when they are needed, and stay in its cache, not in ours.
#[derive(Debug)]
pub struct Fonts {
    database: Arc<Database>,
    regular: ID,
    bold: ID,
}

impl Fonts {
    /// Those that are built in.
    pub fn built_in() -> Self {
        Self::with(|_| {})
    }

    /// Those besides that this machine has.
    pub fn of_this_machine() -> Self {
        let fonts = Self::with(Database::load_system_fonts);
        let count = fonts.database.len();
        tracing::debug!(count, "fonts for pictures");
        fonts
    }

    /// Those that are built in, and this one, a file of the kinds TTF and OTF.
    pub fn and(font: Vec<u8>) -> Self {
        Self::with(|database| database.load_font_data(font))
    }

    fn with(more: impl FnOnce(&mut Database)) -> Self {
        let mut database = Database::new();
        let mut own = |data: &'static [u8]| {
            let ids = database.load_font_source(Source::Binary(Arc::new(data)));
            ids.first().copied().unwrap_or_else(ID::dummy)
        };
        let (regular, bold) = (own(REGULAR), own(BOLD));
        more(&mut database);
        Self { database: Arc::new(database), regular, bold }
    }

    pub(crate) fn database(&self) -> Arc<Database> {
        Arc::clone(&self.database)
    }

    /// The choice of letters for one picture.
    pub(crate) fn faces(&self) -> Faces<'_> {
        Faces { fonts: self, chosen: Mutex::new(vec![self.regular, self.bold]) }
    }

    fn has(&self, face: ID, c: char) -> bool {
        let has = self.database.with_face_data(face, |data, index| {
            FontRef::from_index(data, index).is_ok_and(|font| font.charmap().map(c).is_some())
        });
        has == Some(true)
    }
}

/// Letters of one picture: the built-in ones, and a few of the machine's.
pub(crate) struct Faces<'a> {
    fonts: &'a Fonts,
    /// By the number that stands in the SVG.
    chosen: Mutex<Vec<ID>>,
}

impl Faces<'_> {
    /// A text as the SVG takes it: escaped, and each part of it in letters that have it.
    pub(crate) fn marked(&self, text: &str, bold: bool) -> String {
        let own = usize::from(bold);
        let mut out = String::with_capacity(text.len() + 32);
        let mut open: Option<usize> = None;
        for c in text.chars() {
            let face = match open {
                // What stands between letters, and marks upon them, goes with them: parts are torn where the script changes, not else.
                Some(face)
                    if c == ' ' || c == '\u{200c}' || c == '\u{200d}' || self.has(face, c) && face >= 2 =>
                {
                    face
                }
                _ => self.for_char(c, own),
            };
            if open != Some(face) {
                if open.is_some() {
                    out.push_str("</tspan>");
                }
                out.push_str("<tspan font-family=\"f");
                out.push_str(&face.to_string());
                out.push_str("\">");
                open = Some(face);
            }
            match c {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '"' => out.push_str("&quot;"),
                // Not to be had in XML at all.
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
                c => out.push(c),
            }
        }
        if open.is_some() {
            out.push_str("</tspan>");
        }
        out
    }

    fn has(&self, face: usize, c: char) -> bool {
        let chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.get(face).is_some_and(|face| self.fonts.has(*face, c))
    }

    /// Which letters have this character: the built-in ones, those chosen before, others of the machine. Where none have it, the built-in ones
    /// draw a box.
    fn for_char(&self, c: char, own: usize) -> usize {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::iter::once(own).chain(2..chosen.len());
        if let Some(face) = known.into_iter().find(|face| self.fonts.has(chosen[*face], c)) {
            return face;
        }
        if chosen.len() >= 2 + MOST {
            return own;
        }
        let upright = self.fonts.database.faces().filter(|face| face.style == Style::Normal);
        // Of those of a family, the one that is neither light nor condensed.
        let best = upright
            .filter(|face| !chosen.contains(&face.id) && self.fonts.has(face.id, c))
            .min_by_key(|face| (face.weight.0.abs_diff(400), face.stretch.to_number().abs_diff(5)));
        match best {
            Some(face) => {
                chosen.push(face.id);
                chosen.len() - 1
            }
            None => own,
        }
    }

    /// Tells the letters by their numbers. Nothing is sought besides: all was chosen.
    pub(crate) fn resolver(&self) -> FontResolver<'_> {
        FontResolver {
            select_font: Box::new(|font: &Font, _| {
                let number = font.families().iter().find_map(|family| match family {
                    FontFamily::Named(name) => name.strip_prefix('f')?.parse::<usize>().ok(),
                    _ => None,
                });
                let chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
                chosen.get(number.unwrap_or(0)).copied()
            }),
            select_fallback: Box::new(|_, _, _| None),
        }
    }
}
