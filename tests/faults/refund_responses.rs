//! An acquirer whose responses to refunds are lost or corrupt: each refund is paid once.

use anyhow::Result;
use tests::{Options, Process, cards, until};

use crate::proxy::Gate;
use crate::refunds::{
    ANSWERS, REQUESTS, Refund, captured, check_refunded, register, request_pending_refund,
    request_refund,
};
use crate::scene::{SOON, Scene};

/// Corrupt responses, and what the worker logs about each.
const SPOILT: [(&[u8], &str); 6] = [
    (b"", "no response"),
    (b"\x16\x03\x01 what\r\n\r\n", "no response"),
    (
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
        "unexpected HTTP status",
    ),
    (
        b"HTTP/1.1 409 Conflict\r\ncontent-length: 16\r\n\r\n{\"error\":\"busy\"}",
        "unexpected HTTP status",
    ),
    (
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"refunded",
        "the response cannot be read",
    ),
    (
        b"HTTP/1.1 200 OK\r\ncontent-length: 62\r\n\r\n{\"reference\":\"ref_0000000000000000000001\",\"status\":\"refunded\"}",
        "the response is about another reference",
    ),
];

/// Replaces a request with one that changes nothing.
const ELSEWHERE: &[u8] = b"GET /livez HTTP/1.1\r\nhost: sandbox\r\n\r\n";

/// Whether or not the acquirer has paid the refund, it is asked again, and pays once.
#[tokio::test]
async fn a_corrupt_response_is_not_an_outcome() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    register(&scene).await?;
    let acquirer = scene.before_acquirer_of(Process::Refund).await?;
    let payment = captured(&scene, cards::APPROVED, 5_000).await?;
    let mut all = Vec::new();
    for (spoilt, why) in SPOILT {
        for reaches_acquirer in [true, false] {
            if !reaches_acquirer {
                acquirer.forth().set(Gate::Replace(REQUESTS, ELSEWHERE));
            }
            acquirer.back().set(Gate::Replace(&["HTTP/1.1"], spoilt));
            let answer = request_refund(&scene, &payment, 400).await?;
            let refund = Refund::of(&answer)?;
            assert_eq!(answer.at("/status"), "succeeded");
            let unanswered = refund.unanswered(&scene);
            assert!(
                unanswered.len() == 1 && unanswered.iter().all(|reason| reason.contains(why)),
                "{unanswered:?} is not {why}"
            );
            all.push(refund);
        }
    }
    scene.gateway.drain().await?;
    check_refunded(&scene, &payment, &all).await?;
    scene.finish().await
}

/// The first requests for one refund arrive late, together with the last. For the other refund the
/// responses are lost.
#[tokio::test]
async fn an_acquirer_that_does_not_respond_is_asked_again() -> Result<()> {
    let scene = Scene::with(Options {
        wait_ms: 200,
        ..Options::default()
    })
    .await?;
    register(&scene).await?;
    let acquirer = scene.before_acquirer_of(Process::Refund).await?;
    let payment = captured(&scene, cards::APPROVED, 5_000).await?;
    let mut all = Vec::new();
    for (direction, texts) in [(acquirer.forth(), REQUESTS), (acquirer.back(), ANSWERS)] {
        direction.set(Gate::Hold(texts));
        let refund = request_pending_refund(&scene, &payment, 1_500).await?;
        until("it was asked twice", SOON, async || {
            Ok((refund.unanswered(&scene).len() >= 2).then_some(()))
        })
        .await?;
        direction.set(Gate::Pass);
        scene.gateway.drain().await?;
        all.push(refund);
        check_refunded(&scene, &payment, &all).await?;
    }
    scene.finish().await
}
