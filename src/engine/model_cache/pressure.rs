//! The watchers of memory that run beside the engine, one for the machine and one for graphics cards where there may be
//! any, and what is told of what they do.

use std::time::Duration;

use crossbeam_channel::Sender;

use crate::engine::event::Event;
use crate::engine::models::ModelsEvent;
use crate::models::ModelCache;
use crate::models::pressure::{
    PressureCheck, PressureNotice, PressureSettings, PressureWatcher, ReadMemory, RunningJob, SystemMemory,
};
use crate::settings::ModelSettings;

use super::worker::tell_loaded;

/// While a job runs, memory is looked at no less often than this.
const INTERVAL_DURING_JOBS: Duration = Duration::from_secs(2);

/// The threads that watch. Dropping this ends them.
pub(in crate::engine) struct Watchers(Vec<PressureWatcher>);

impl Watchers {
    /// Starts to watch over the models in memory.
    pub(in crate::engine) fn start(models: &ModelCache, settings: &ModelSettings, events: &Sender<Event>) -> Self {
        let interval = Duration::from_secs(u64::from(settings.pressure_interval_secs.max(1)));
        let settings = PressureSettings {
            interval,
            interval_during_jobs: interval.min(INTERVAL_DURING_JOBS),
            short_above_share: f64::from(settings.pressure_threshold_percent) / 100.0,
        };
        let [machine, card] = models.levels();
        let system: Box<dyn ReadMemory> = Box::new(SystemMemory::default());
        let mut checks = vec![PressureCheck::new(machine.clone(), Some(system))];
        if cfg!(any(feature = "cuda", feature = "metal")) {
            // Nobody reads how much memory a card has left: what nobody uses goes for its age.
            checks.push(PressureCheck::new(card.clone(), None));
        }
        let mut watchers = Vec::new();
        for check in checks {
            let (models, events) = (models.clone(), events.clone());
            match PressureWatcher::start(check, settings, move |notice| tell(&notice, &models, &events)) {
                Ok(watcher) => watchers.push(watcher),
                Err(error) => tracing::warn!("nobody watches the memory, for the system grants no thread: {error}"),
            }
        }
        Self(watchers)
    }

    /// Tells the watchers that a job runs, as long as the answer is kept: they look more often then.
    pub(in crate::engine) fn job_started(&self) -> Vec<RunningJob> {
        self.0.iter().map(PressureWatcher::job_started).collect()
    }
}

fn tell(notice: &PressureNotice, models: &ModelCache, events: &Sender<Event>) {
    match notice {
        PressureNotice::CleanedUp(freed) => {
            tracing::info!("memory was short: {} idle models ({} bytes) left it", freed.n_models, freed.n_bytes);
        }
        PressureNotice::UnloadedIdle(freed) => {
            tracing::debug!("{} models ({} bytes) that nobody used left the memory", freed.n_models, freed.n_bytes);
        }
        PressureNotice::Blind(reason) => {
            let text = format!("Models leave the memory only for their budget and when nobody uses them: {reason}.");
            // Nobody reads any more once the engine ends.
            events.send(Event::ModelCache(ModelsEvent::Warning(text))).ok();
            return;
        }
    }
    models.prune_leases();
    tell_loaded(models, events);
}
