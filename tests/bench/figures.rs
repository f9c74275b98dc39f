//! Figures and how they are taken.

use std::fmt;

use anyhow::Result;

/// A measured figure beside its target.
pub struct Figure {
    name: &'static str,
    value: f64,
    spread: Option<(f64, f64)>,
    target: Option<Target>,
}

enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    /// The median, which should be at least this.
    pub fn at_least(name: &'static str, values: Vec<f64>, target: f64) -> Self {
        Self::of(name, values, Some(Target::AtLeast(target)))
    }

    /// The median, which should be at most this.
    pub fn at_most(name: &'static str, values: Vec<f64>, target: f64) -> Self {
        Self::of(name, values, Some(Target::AtMost(target)))
    }

    /// The median, to compare with that of another build.
    pub fn plain(name: &'static str, values: Vec<f64>) -> Self {
        Self::of(name, values, None)
    }

    fn of(name: &'static str, values: Vec<f64>, target: Option<Target>) -> Self {
        let is_one = values.len() == 1;
        let (low, value, high) = spread(values);
        Self {
            name,
            value,
            spread: (!is_one).then_some((low, high)),
            target,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<46} {:>12.2}", self.name, self.value)?;
        let met = |is_met| if is_met { "met" } else { "MISSED" };
        match self.target {
            Some(Target::AtLeast(target)) => {
                write!(f, " {:>9} {target:<4} {}", ">=", met(self.value >= target))?;
            }
            Some(Target::AtMost(target)) => {
                write!(f, " {:>9} {target:<4} {}", "<=", met(self.value <= target))?;
            }
            None => {}
        }
        if let Some((low, high)) = self.spread {
            write!(f, "  ({low:.2} to {high:.2})")?;
        }
        Ok(())
    }
}

/// Runs blocks of ours (A) and of the baseline (B) in the order ABBA and returns the ratio of each
/// pair but the first.
pub async fn ratios(
    ours: &str,
    theirs: &str,
    pairs: usize,
    a: impl AsyncFn() -> Result<f64>,
    b: impl AsyncFn() -> Result<f64>,
) -> Result<Vec<f64>> {
    let mut ratios = Vec::new();
    for pair in 0..=pairs {
        let (of_a, of_b) = if pair % 2 == 0 {
            (a().await?, b().await?)
        } else {
            let of_b = b().await?;
            (a().await?, of_b)
        };
        let note = if pair == 0 { " (warming up)" } else { "" };
        println!(
            "{ours} {of_a:.0}, {theirs} {of_b:.0}, ratio {:.2}{note}",
            of_a / of_b
        );
        if pair > 0 {
            ratios.push(of_a / of_b);
        }
    }
    Ok(ratios)
}

/// Lowest, median, highest.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    (
        at(0),
        at(values.len() / 2),
        at(values.len().saturating_sub(1)),
    )
}
