//! Learners who never were, by published models that know nothing of how we recommend.
//!
//! * What there is: concepts, each of which asks for up to two earlier ones; each has items.
//! * Where learners go: along the *outer fringe* of what they know (Doignon & Falmagne 1985, knowledge spaces): a concept is open when the
//!   concepts that it asks for are mastered, that is, four of its items in five are done. A learner stays with an open concept, which they
//!   took by chance, till it is mastered; within it they take its items in the author's order, but in one case of five any. With
//!   `noise`, they take anything of what is there instead.
//! * Whether they are right: the Rasch model, a one-parameter IRT. Abilities are N(0, 1) and grow by 0.02 with each item done; difficulties
//!   are N(depth of the concept / 2 − 1, 0.7). Who is wrong tries again, up to three times.
//! * When: learners begin over a year; between two items lie hours, exponentially; one in twenty items is their last.

use std::io::{self, Write};

use rand::rngs::StdRng;
use rand::{Rng, RngExt as _, SeedableRng as _};

use crate::rules::elo::logistic;

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Learners.
    pub learners: usize,
    /// Concepts.
    pub concepts: usize,
    /// Items of each concept.
    pub items: usize,
    /// Share of choices that follow nothing.
    pub noise: f64,
    /// From it everything is drawn: the same one gives the same file.
    pub seed: u64,
}

impl Default for Size {
    fn default() -> Self {
        Self { learners: 5_000, concepts: 60, items: 8, noise: 0.1, seed: 1 }
    }
}

struct World {
    /// The concepts that a concept asks for.
    asks: Vec<Vec<usize>>,
    difficulties: Vec<Vec<f64>>,
}

/// From the standard normal distribution, by Box and Muller.
fn normal(rng: &mut impl Rng) -> f64 {
    let (u, v): (f64, f64) = (rng.random_range(f64::MIN_POSITIVE..1.0), rng.random_range(0.0..1.0));
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn world(size: &Size, rng: &mut impl Rng) -> World {
    let (mut asks, mut depths, mut difficulties) = (Vec::new(), Vec::<f64>::new(), Vec::new());
    for concept in 0..size.concepts {
        // The first five ask for nothing.
        let mut needs: Vec<usize> = if concept < 5 {
            Vec::new()
        } else {
            (0..rng.random_range(1..=2)).map(|_| rng.random_range(0..concept)).collect()
        };
        needs.sort_unstable();
        needs.dedup();
        let depth = needs.iter().map(|need| depths[*need] + 1.0).fold(0.0, f64::max);
        depths.push(depth);
        difficulties.push((0..size.items).map(|_| depth / 2.0 - 1.0 + 0.7 * normal(rng)).collect());
        asks.push(needs);
    }
    World { asks, difficulties }
}

/// Writes the learners' tries as CSV: `learner,item,time,right`.
pub fn simulate(size: &Size, into: &mut impl Write) -> io::Result<()> {
    let mut rng = StdRng::seed_from_u64(size.seed);
    let world = world(size, &mut rng);
    writeln!(into, "learner,item,time,right")?;
    for learner in 0..size.learners {
        one(size, &world, learner, &mut rng, into)?;
    }
    Ok(())
}

fn one(
    size: &Size,
    world: &World,
    learner: usize,
    rng: &mut impl Rng,
    into: &mut impl Write,
) -> io::Result<()> {
    let mut ability = normal(rng);
    let mut time: i64 = 1_700_000_000 + rng.random_range(0..365 * 86_400);
    let mut done = vec![vec![false; size.items]; size.concepts];
    let mut at: Option<usize> = None;
    loop {
        let mastered =
            |concept: usize| done[concept].iter().filter(|done| **done).count() * 5 >= size.items * 4;
        let whole = |concept: usize| done[concept].iter().all(|done| *done);
        let concept = if rng.random_bool(size.noise) {
            let left: Vec<usize> = (0..size.concepts).filter(|concept| !whole(*concept)).collect();
            if left.is_empty() { None } else { Some(left[rng.random_range(0..left.len())]) }
        } else if let Some(concept) = at.filter(|concept| !mastered(*concept)) {
            Some(concept)
        } else {
            let fringe: Vec<usize> = (0..size.concepts)
                .filter(|concept| {
                    !mastered(*concept) && world.asks[*concept].iter().all(|need| mastered(*need))
                })
                .collect();
            at = if fringe.is_empty() { None } else { Some(fringe[rng.random_range(0..fringe.len())]) };
            at
        };
        let Some(concept) = concept else { return Ok(()) };
        let left: Vec<usize> = (0..size.items).filter(|item| !done[concept][*item]).collect();
        let item = if rng.random_bool(0.2) { left[rng.random_range(0..left.len())] } else { left[0] };
        for _ in 0..3 {
            let right = rng.random_bool(logistic(ability - world.difficulties[concept][item]));
            writeln!(into, "learner{learner},concept{concept}/item{item},{time},{}", u8::from(right))?;
            time += 60;
            if right {
                break;
            }
        }
        // Whoever was wrong three times has seen it, and goes on.
        done[concept][item] = true;
        ability += 0.02;
        #[expect(clippy::cast_possible_truncation, reason = "seconds of some days")]
        let pause = (-rng.random_range(f64::MIN_POSITIVE..1.0_f64).ln() * 8.0 * 3_600.0) as i64;
        time += pause;
        if rng.random_bool(0.05) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Log;

    #[test]
    fn a_seed_gives_the_same_learners() {
        let of = |seed| {
            let mut text = Vec::new();
            simulate(&Size { learners: 50, seed, ..Size::default() }, &mut text).unwrap();
            text
        };
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
        let log = Log::read(of(3).as_slice()).unwrap();
        assert_eq!(log.learners(), 50);
        assert!(log.completions().count() > 300, "{}", log.completions().count());
    }
}
