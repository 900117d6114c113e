//! A steady stream of orders while other things happen, and what was acknowledged of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keis_ledger::receipt::Receipt;
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::wait::until;
use crate::world::{World, client_among, deliver};

/// Orders under way at once; each asks another gateway first.
const WORKERS: usize = 4;

/// Orders that flow until they are told to stop.
pub struct Flow {
    stopping: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<Receipt>>>,
    /// How long each of them took, in the order in which they came.
    times: Arc<Mutex<Vec<Duration>>>,
    workers: JoinSet<()>,
}

impl Flow {
    /// Lets orders flow, beginning with the order of a number.
    pub fn start(cluster: &Cluster, world: &World, first: usize) -> Self {
        Self::through(cluster, world, first, &cluster.all())
    }

    /// The same through the gateways of some nodes only.
    pub fn through(cluster: &Cluster, world: &World, first: usize, nodes: &[usize]) -> Self {
        let stopping = Arc::<AtomicBool>::default();
        let (acknowledged, times) = (Arc::<Mutex<Vec<Receipt>>>::default(), Arc::<Mutex<Vec<Duration>>>::default());
        let mut workers = JoinSet::new();
        for worker in 0..WORKERS {
            let (client, world) = (client_among(cluster, nodes, worker), world.clone());
            let (stopping, acknowledged) = (stopping.clone(), acknowledged.clone());
            let times = times.clone();
            workers.spawn(async move {
                for number in (first + worker..world.room()).step_by(WORKERS) {
                    if stopping.load(Ordering::Relaxed) {
                        return;
                    }
                    let pair = world.pair(number);
                    for transaction in [&pair.request, &pair.confirm] {
                        let sent = Instant::now();
                        let receipt = deliver(&client, transaction).await;
                        assert_eq!(receipt.id, transaction.id());
                        locked(&acknowledged).push(receipt);
                        locked(&times).push(sent.elapsed());
                    }
                }
                panic!("the world has too few pupils for this flow");
            });
        }
        Self { stopping, acknowledged, times, workers }
    }

    /// How many transactions are acknowledged so far.
    pub fn count(&self) -> usize {
        locked(&self.acknowledged).len()
    }

    /// Waits until so many more are acknowledged; a worker that failed fails the test.
    pub async fn progress(&mut self, more: usize, within: Duration) {
        let goal = self.count() + more;
        let workers = &mut self.workers;
        let acknowledged = &self.acknowledged;
        let progress = until("orders flow", within, async || {
            if let Some(Err(failed)) = workers.try_join_next() {
                std::panic::resume_unwind(failed.into_panic());
            }
            (locked(acknowledged).len() >= goal).then_some(())
        });
        progress.await;
    }

    /// How long the transactions took that were acknowledged since this was asked last.
    pub fn times(&self) -> Vec<Duration> {
        std::mem::take(&mut locked(&self.times))
    }

    /// Stops after the orders under way, and returns every receipt that was acknowledged.
    pub async fn finish(mut self) -> Vec<Receipt> {
        self.stopping.store(true, Ordering::Relaxed);
        while let Some(ended) = self.workers.join_next().await {
            if let Err(failed) = ended {
                std::panic::resume_unwind(failed.into_panic());
            }
        }
        std::mem::take(&mut locked(&self.acknowledged))
    }
}

fn locked<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
