//! What children share: memory and GPUs. A child takes what it needs before it starts and gives it
//! back when it has ended.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::plan::need::{Gpu, Need};

/// Memory and GPUs that are free.
pub struct Resources {
    /// Bytes that children may use together.
    memory: u64,
    gpus: usize,
    free: Mutex<Free>,
    given_back: Condvar,
}

struct Free {
    used: u64,
    children: usize,
    /// Free GPUs; one that is given back goes to the end, so that they take turns.
    gpus: VecDeque<usize>,
}

/// A child's part; given back when dropped.
pub struct Held<'a> {
    from: &'a Resources,
    memory: u64,
    /// The GPU, where one was asked for and is there.
    pub gpu: Option<usize>,
}

impl Resources {
    /// What there is to share: `memory` bytes and this many GPUs.
    pub fn new(memory: u64, gpus: usize) -> Self {
        Resources {
            memory,
            gpus,
            free: Mutex::new(Free {
                used: 0,
                children: 0,
                gpus: (0..gpus).collect(),
            }),
            given_back: Condvar::new(),
        }
    }

    /// GPUs in all.
    pub fn gpus(&self) -> usize {
        self.gpus
    }

    /// Bytes that children may use together.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Waits until there is room for a child. One that needs more memory than there is runs alone.
    pub fn take(&self, need: Need) -> Held<'_> {
        let mut free = self.free();
        loop {
            if let Some(held) = self.try_take(&mut free, need) {
                return held;
            }
            free = self
                .given_back
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn try_take<'a>(&'a self, free: &mut Free, need: Need) -> Option<Held<'a>> {
        let on_gpu = match need.gpu {
            Gpu::None => false,
            Gpu::Any => self.gpus > 0,
            Gpu::Number(number) => number < self.gpus,
        };
        let memory = match on_gpu {
            true => need.beside_gpu,
            false => need.memory,
        };
        if free.children > 0 && free.used.saturating_add(memory) > self.memory {
            return None;
        }
        let gpu = match need.gpu {
            Gpu::Any if self.gpus > 0 => Some(free.gpus.pop_front()?),
            Gpu::Number(number) if number < self.gpus => {
                let at = free.gpus.iter().position(|gpu| *gpu == number)?;
                free.gpus.remove(at)
            }
            // One that is not there: the child says so.
            _ => None,
        };
        free.used = free.used.saturating_add(memory);
        free.children += 1;
        Some(Held {
            from: self,
            memory,
            gpu,
        })
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut free = self.from.free();
        free.used = free.used.saturating_sub(self.memory);
        free.children -= 1;
        free.gpus.extend(self.gpu);
        drop(free);
        self.from.given_back.notify_all();
    }
}

/// How the i-th GPU that this program sees is called for a child that is to see it alone: through
/// an outer `CUDA_VISIBLE_DEVICES`, where there is one.
pub fn visible(gpu: usize, outer: Option<&str>) -> String {
    let named = outer.and_then(|list| list.split(',').nth(gpu));
    named.map_or_else(|| gpu.to_string(), |name| name.trim().to_owned())
}

/// Nine tenths of the memory that is free, within the limit of this process's control group;
/// without a limit where the system does not tell.
pub fn free_memory() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let available = read("/proc/meminfo").and_then(|text| available(&text));
    let group = number("/sys/fs/cgroup/memory.max")
        .map(|limit| limit.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)));
    let least = [available, group].into_iter().flatten().min();
    least.map_or(u64::MAX, |bytes| bytes / 10 * 9)
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    fn need(memory: u64, gpu: Gpu) -> Need {
        Need {
            memory,
            beside_gpu: 1,
            gpu,
        }
    }

    fn try_take(resources: &Resources, memory: u64, gpu: Gpu) -> Option<Held<'_>> {
        resources.try_take(&mut resources.free(), need(memory, gpu))
    }

    #[test]
    fn memory_is_not_given_twice_and_the_largest_runs_alone() {
        let all = Resources::new(100, 0);
        let first = try_take(&all, 60, Gpu::None).unwrap();
        assert!(try_take(&all, 50, Gpu::None).is_none());
        let second = try_take(&all, 40, Gpu::None).unwrap();
        drop(first);
        assert!(
            try_take(&all, 500, Gpu::None).is_none(),
            "not beside another"
        );
        drop(second);
        let large = try_take(&all, 500, Gpu::None).unwrap();
        assert!(try_take(&all, 1, Gpu::None).is_none());
        drop(large);
        assert!(try_take(&all, 100, Gpu::None).is_some());
    }

    #[test]
    fn gpus_take_turns_one_run_each() {
        let all = Resources::new(u64::MAX, 3);
        let mut turns = Vec::new();
        for _ in 0..5 {
            turns.push(try_take(&all, 0, Gpu::Any).unwrap().gpu.unwrap());
        }
        assert_eq!(turns, [0, 1, 2, 0, 1]);
        let held: Vec<_> = (0..3)
            .map(|_| try_take(&all, 0, Gpu::Any).unwrap())
            .collect();
        assert!(try_take(&all, 0, Gpu::Any).is_none(), "one run a device");
        assert!(try_take(&all, 0, Gpu::Number(1)).is_none());
        assert_eq!(try_take(&all, 0, Gpu::None).unwrap().gpu, None);
        drop(held);
        assert_eq!(try_take(&all, 0, Gpu::Number(1)).unwrap().gpu, Some(1));
        let absent = try_take(&all, 0, Gpu::Number(7)).unwrap();
        assert_eq!(absent.gpu, None, "the child says that it is not there");
    }

    #[test]
    fn a_gpu_holds_what_a_run_needs_but_for_its_program() {
        let all = Resources::new(2, 2);
        let held: Vec<_> = (0..2)
            .map(|_| try_take(&all, 500, Gpu::Any).unwrap())
            .collect();
        assert!(try_take(&all, 1, Gpu::None).is_none());
        drop(held);
        assert!(try_take(&all, 2, Gpu::None).is_some());
    }

    #[test]
    fn waiting_children_all_get_their_turn() {
        let all = Resources::new(10, 2);
        let (now, most, done) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        std::thread::scope(|scope| {
            for i in 0..16 {
                let (all, now, most, done) = (&all, &now, &most, &done);
                scope.spawn(move || {
                    let _held = all.take(need(i, Gpu::Any));
                    most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(1, SeqCst);
                    done.fetch_add(1, SeqCst);
                });
            }
        });
        assert_eq!(done.load(SeqCst), 16);
        assert!(most.load(SeqCst) <= 2, "two GPUs");
    }

    #[test]
    fn visible_gpus_and_free_memory() {
        assert_eq!(visible(1, None), "1");
        assert_eq!(visible(1, Some("4, GPU-ab")), "GPU-ab");
        let text = "MemTotal: 9 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(available(text), Some(2 << 20));
    }
}
