//! Pictures of members' standings, and of what links lead to, as PNG: for where a page cannot be shown.
//!
//! Promises:
//! * A name is a text: nothing of it is markup, whatever it holds, and it stays within its place.
//! * A name in any script is drawn as far as there is a font: the fonts of Latin, Greek and Cyrillic are built in, others are those of the
//!   machine (Debian's `fonts-noto-core` has nearly all scripts). What no font has is a box.
//! * A picture takes bounded time and memory, and none of the threads that answer requests: two are drawn at once, and who waits for
//!   longer than they want to gets none.
//!
//! Map: [`Card`] what is shown of a member · [`draw`] a picture of it · [`Poster`] what is shown of a page, [`draw_poster`] likewise ·
//! [`Fonts`] the letters · `svg`, `poster` how they look.

mod fonts;
mod poster;
mod svg;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use png::Compression;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use tokio::sync::Semaphore;

pub use fonts::Fonts;
pub use poster::{POSTER_SIZE, Poster, Row};

/// Width and height of a card in pixels.
pub const SIZE: (u32, u32) = (900, 260);
/// Pictures drawn at once.
const AT_ONCE: usize = 2;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));
static FONTS: LazyLock<Fonts> = LazyLock::new(Fonts::of_this_machine);

/// What is shown of a member. Texts come as they are to be read, in whatever language.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Card {
    /// Whose it is: decides the colour.
    pub id: i64,
    /// What they are called.
    pub name: String,
    /// Their level.
    pub level: i32,
    /// What a level is called.
    pub level_label: String,
    /// Their place among the others, if they have one.
    pub rank: Option<String>,
    /// How far they are to the next level, from 0 to 1.
    pub progress: f64,
    /// What stands below the bar, to the left and to the right.
    pub below: (String, String),
}

/// Why there is no picture.
#[derive(Debug)]
pub struct NoPicture(String);

impl std::fmt::Display for NoPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoPicture {}

/// A picture of a member's standing, when its turn comes; `None` where that takes longer than this, or it cannot be drawn.
pub async fn picture(card: Card, patience: Duration) -> Option<Vec<u8>> {
    in_turn(patience, move || draw(&card, &FONTS)).await
}

/// A picture of what a link leads to, likewise.
pub async fn poster(poster: Poster, patience: Duration) -> Option<Vec<u8>> {
    in_turn(patience, move || draw_poster(&poster, &FONTS)).await
}

async fn in_turn(
    patience: Duration,
    draw: impl FnOnce() -> Result<Vec<u8>, NoPicture> + Send + 'static,
) -> Option<Vec<u8>> {
    let drawn = async {
        let turn = Arc::clone(&TURNS).acquire_owned().await.ok()?;
        let drawing = tokio::task::spawn_blocking(move || {
            // Kept until it is done, whoever still waits for it.
            let _turn = turn;
            draw()
        });
        match drawing.await {
            Ok(Ok(picture)) => Some(picture),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a picture could not be drawn");
                None
            }
            Err(error) => {
                tracing::error!(%error, "drawing a picture broke");
                None
            }
        }
    };
    tokio::time::timeout(patience, drawn).await.unwrap_or_else(|_| {
        tracing::info!("a picture took too long: there is none");
        None
    })
}

/// Draws a card in these letters. Blocks: it takes some milliseconds, and longer in scripts that are met for the first time.
pub fn draw(card: &Card, fonts: &Fonts) -> Result<Vec<u8>, NoPicture> {
    let faces = fonts.faces();
    let name = faces.marked(&svg::shown(&card.name), true);
    let render =
        |size: f32| tree(fonts, &faces, &svg::whole(card, &name, size, |text| faces.marked(text, false)));
    let mut tree = render(svg::NAME_SIZE)?;
    if let Some(wide) = tree.node_by_id(svg::NAME).map(|node| node.abs_bounding_box().width())
        && wide > svg::NAME_WIDTH
    {
        tree = render(svg::NAME_SIZE * svg::NAME_WIDTH / wide)?;
    }
    // Somebody waits for it, so it is written soon rather than small.
    rendered(&tree, SIZE, Compression::Fastest)
}

/// Draws a poster in these letters; like [`draw`]. What is too long for its place is written smaller.
pub fn draw_poster(poster: &Poster, fonts: &Fonts) -> Result<Vec<u8>, NoPicture> {
    let faces = fonts.faces();
    let mut lines = poster::lines(poster, |text, bold| faces.marked(text, bold));
    let mut tree = tree(fonts, &faces, &poster::whole(poster, &lines))?;
    let mut too_wide = false;
    for (n, line) in lines.iter_mut().enumerate() {
        let wide = tree.node_by_id(&poster::id(n)).map_or(0.0, |node| node.abs_bounding_box().width());
        if wide > line.width {
            line.size *= line.width / wide;
            too_wide = true;
        }
    }
    if too_wide {
        tree = self::tree(fonts, &faces, &poster::whole(poster, &lines))?;
    }
    // It is kept and sent to many.
    rendered(&tree, POSTER_SIZE, Compression::Balanced)
}

fn tree(fonts: &Fonts, faces: &fonts::Faces<'_>, svg: &str) -> Result<Tree, NoPicture> {
    let options = Options { fontdb: fonts.database(), font_resolver: faces.resolver(), ..Options::default() };
    Tree::from_str(svg, &options).map_err(|error| NoPicture(error.to_string()))
}

fn rendered(tree: &Tree, size: (u32, u32), compression: Compression) -> Result<Vec<u8>, NoPicture> {
    let mut pixels = Pixmap::new(size.0, size.1).ok_or_else(|| NoPicture("it has no size".to_owned()))?;
    resvg::render(tree, Transform::identity(), &mut pixels.as_mut());
    written(pixels, compression).map_err(|error| NoPicture(error.to_string()))
}

/// A picture as PNG.
fn written(pixels: Pixmap, compression: Compression) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height) = (pixels.width(), pixels.height());
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(compression);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels.take_demultiplied())?;
    writer.finish()?;
    Ok(picture)
}
