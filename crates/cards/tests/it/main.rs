//! Pictures are looked at as whoever shows them does: decoded.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use cards::{Card, Fonts, POSTER_SIZE, Poster, Row, SIZE, draw, draw_poster, picture};

const OTHERS: &[u8] = include_bytes!("../assets/HebrewArabic.subset.ttf");

fn card(name: &str) -> Card {
    Card {
        id: 7,
        name: name.to_owned(),
        level: 12,
        level_label: "LEVEL".to_owned(),
        rank: Some("#3".to_owned()),
        progress: 0.5,
        below: ("150 / 300 XP".to_owned(), "35 gold · 4 stars".to_owned()),
    }
}

/// Pixels of a card, four bytes each.
fn pixels(picture: &[u8]) -> Vec<[u8; 4]> {
    pixels_of(picture, SIZE)
}

fn pixels_of(picture: &[u8], size: (u32, u32)) -> Vec<[u8; 4]> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.width, info.height, info.color_type), (size.0, size.1, png::ColorType::Rgba));
    bytes.chunks_exact(4).map(|pixel| pixel.try_into().unwrap()).collect()
}

fn at(pixels: &[[u8; 4]], x: usize, y: usize) -> [u8; 4] {
    pixels[y * SIZE.0 as usize + x]
}

/// How many pixels of the name's place, and of all that lies above the bar beside it, are not ground.
fn inked(pixels: &[[u8; 4]], x: std::ops::Range<usize>, y: std::ops::Range<usize>) -> usize {
    let ground = [0x14, 0x20, 0x2a, 0xff];
    y.flat_map(|y| x.clone().map(move |x| (x, y))).filter(|(x, y)| at(pixels, *x, *y) != ground).count()
}

fn drawn(name: &str) -> Vec<[u8; 4]> {
    pixels(&draw(&card(name), &Fonts::built_in()).unwrap())
}

#[test]
fn a_card_shows_name_level_rank_and_how_far_somebody_is() {
    let seen = drawn("Ada");
    assert!(inked(&seen, 240..720, 40..110) > 500, "the name");
    assert!(inked(&seen, 740..850, 50..100) > 100, "the rank");
    assert!(inked(&seen, 240..850, 195..225) > 500, "what stands below");
    let bar = |x| at(&seen, x, 160);
    assert_eq!(bar(500), bar(300));
    assert_ne!(bar(500), bar(600), "half of it is full");
    let nothing = pixels(&draw(&Card { rank: None, ..card("") }, &Fonts::built_in()).unwrap());
    assert_eq!(inked(&nothing, 240..850, 30..140), 0, "no name, no rank");
    assert_eq!(drawn("Ada"), seen, "always the same");
}

#[test]
fn a_name_is_text_and_stays_in_its_place() {
    let whole = drawn("</text><rect width=\"900\" height=\"260\" fill=\"red\"/><text>&lol;<!--");
    assert!(whole.iter().all(|pixel| *pixel != [0xff, 0, 0, 0xff]));
    assert!(inked(&whole, 240..720, 40..110) > 500, "it can be read");
    for name in [
        "W".repeat(500).as_str(),
        "a\u{0}b\u{1b}\u{fffe}c",
        "x\u{301}\u{301}\u{301}\u{301}",
        "]]>",
        "\u{202e}abc",
        "f1,'\"",
        "https://example.org/x.svg#a",
    ] {
        let seen = drawn(name);
        assert_eq!(inked(&seen, 735..740, 24..130), 0, "{name}: it ends before the rank");
        assert_eq!(inked(&seen, 210..870, 0..20), 0, "{name}");
        assert_eq!(inked(&seen, 240..850, 122..140), 0, "{name}: it ends above the bar");
    }
    // Not cut off, but written smaller.
    assert!(inked(&drawn(&"W".repeat(30)), 640..705, 40..110) > 50);
}

#[test]
fn other_scripts_are_drawn_by_the_fonts_that_have_them_and_are_boxes_without() {
    let fonts = Fonts::and(OTHERS.to_vec());
    let with = |name: &str| pixels(&draw(&card(name), &fonts).unwrap());
    for (one, other) in [("שלום", "תודה"), ("سلام", "مرحب")] {
        assert_eq!(drawn(one), drawn(other), "as many boxes");
        assert!(inked(&drawn(one), 240..720, 40..110) > 100, "boxes can be seen");
        assert_ne!(with(one), with(other));
    }
    // Joined as they are written, not letter by letter.
    assert_ne!(with("سلام"), with("س\u{200c}ل\u{200c}ا\u{200c}م"));
    // Two scripts in a name.
    let both = with("Ada שלום");
    assert_ne!(both, with("Ada תודה"));
    assert_ne!(both, with("Eve שלום"));
    assert_eq!(with("Ada"), drawn("Ada"));
}

#[tokio::test]
async fn many_at_once_are_all_drawn_by_this_machines_fonts() {
    let all = (0..12)
        .map(|n| tokio::spawn(picture(card(&format!("Member {n} 山田 שלום")), Duration::from_mins(1))));
    for one in all.collect::<Vec<_>>() {
        pixels(&one.await.unwrap().unwrap());
    }
    // Who does not wait gets none, and holds nobody up.
    assert_eq!(picture(card("Ada"), Duration::ZERO).await, None);
    assert!(picture(card("Ada"), Duration::from_mins(1)).await.is_some());
}

fn poster() -> Poster {
    let row = |place: &str, name: &str, value: &str| Row {
        place: place.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
    };
    Poster {
        id: "7".to_owned(),
        above: "The reading room".to_owned(),
        title: "Winter".to_owned(),
        state: "Running · ends 3 Dec 2026, 18:00 UTC".to_owned(),
        rows: vec![row("1", "Ada", "190 points"), row("2", "Eve", "95 points")],
    }
}

/// Whether something is written in this place of a poster.
fn written(poster: &Poster, x: std::ops::Range<usize>, y: std::ops::Range<usize>) -> bool {
    let pixels = pixels_of(&draw_poster(poster, &Fonts::built_in()).unwrap(), POSTER_SIZE);
    let wide = POSTER_SIZE.0 as usize;
    let ground = [0x10, 0x17, 0x15, 0xff];
    y.flat_map(|y| x.clone().map(move |x| (x, y))).any(|(x, y)| pixels[y * wide + x] != ground)
}

#[test]
fn a_poster_shows_what_it_is_of_how_it_stands_and_who_is_first() {
    let whole = poster();
    for (part, y) in [
        ("whose", 70..110),
        ("title", 150..220),
        ("state", 290..330),
        ("first", 380..420),
        ("second", 436..476),
    ] {
        assert!(written(&whole, 76..700, y.clone()), "{part}");
    }
    assert!(written(&whole, 1000..1128, 380..420), "what the first have");
    assert!(!written(&whole, 76..1128, 500..620), "nobody is third");
    assert!(!written(&Poster { rows: Vec::new(), ..poster() }, 76..1128, 380..620));
    assert_eq!(
        draw_poster(&whole, &Fonts::built_in()).unwrap(),
        draw_poster(&poster(), &Fonts::built_in()).unwrap()
    );
}

#[test]
fn what_is_too_long_for_a_poster_is_written_smaller_and_markup_is_text() {
    let long = "W".repeat(400);
    let row = Row { place: "1".to_owned(), name: long.clone(), value: long.clone() };
    let whole = Poster {
        id: String::new(),
        above: long.clone(),
        title: long.clone(),
        state: long,
        rows: vec![row; 9],
    };
    assert!(!written(&whole, 1136..1200, 0..630), "it ends before the edge");
    assert!(!written(&whole, 804..812, 380..420), "a name ends before what they have");
    assert!(!written(&whole, 76..1128, 590..630), "more rows than have a place are left out");
    let hostile = "</text><rect width=\"1200\" height=\"630\" fill=\"red\"/>";
    let whole = Poster { title: hostile.to_owned(), ..poster() };
    let pixels = pixels_of(&draw_poster(&whole, &Fonts::built_in()).unwrap(), POSTER_SIZE);
    assert!(pixels.iter().all(|pixel| *pixel != [0xff, 0, 0, 0xff]));
}
