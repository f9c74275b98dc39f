//! `kill -9` of any process at random under load.

use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tests::{Options, Process};
use tokio::time::interval;

use crate::endurance::{drain_time, scale};
use crate::load;
use crate::scene::{LEASE, Scene};

const KILLED: [Process; 4] = [
    Process::Api,
    Process::Scheduler,
    Process::Card,
    Process::Webhook,
];
const KILLS: usize = 36;
const PAYMENTS: usize = 200;

async fn kill(scene: &Scene, seed: u64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut pace = interval(Duration::from_millis(300));
    for _ in 0..KILLS * scale() {
        pace.tick().await;
        let number = random.random_range(0..KILLED.len());
        for process in KILLED.into_iter().skip(number).take(1) {
            scene.gateway.kill(process)?;
            scene.gateway.spawn(process)?;
        }
    }
    Ok(())
}

/// `SLUICE_FAULT_SEED` repeats a run's kills.
#[tokio::test]
async fn two_hundred_payments_survive_a_kill_every_300_ms() -> Result<()> {
    let seed = std::env::var("SLUICE_FAULT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random);
    eprintln!("SLUICE_FAULT_SEED={seed}");
    let scene = Scene::with(Options {
        wait_ms: 2_000,
        ..Options::default()
    })
    .await?;
    let pace = Duration::from_millis(50);
    let paid = load::during(&scene.gateway, pace, PAYMENTS * scale(), kill(&scene, seed)).await?;
    let failed = paid.iter().filter(|one| !one.failures.is_empty()).count();
    assert!(failed > 0, "no client has noticed anything");
    // End the leases of the killed processes now instead of in 20 s.
    for process in KILLED {
        scene.gateway.kill(process)?;
    }
    scene.gateway.advance(LEASE).await?;
    scene.gateway.launch(&KILLED).await?;
    scene.gateway.drain_within(drain_time()?).await?;
    load::check_payments(&scene.gateway, &paid).await?;
    scene.finish().await
}
