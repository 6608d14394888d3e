//! How the program asks the system for memory.

/// Keeps freed memory for the next tensor, in large pages where the system offers them.
///
/// A training step takes and gives back the same few buffers. By default the C library returns the
/// large ones to the system every time, which then clears each page anew: a fifth of a step's time
/// on a small model. Call it first thing in `main`, while there is one thread.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const LARGE_PAGES: &str = "THP_MEM_ALLOC_ENABLE"; // libtorch asks for it when it allocates
        // SAFETY: mallopt only stores its arguments, and no other thread reads the environment yet.
        unsafe {
            libc::mallopt(libc::M_MMAP_MAX, 0);
            libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
            libc::mallopt(libc::M_TOP_PAD, 64 << 20);
            libc::mallopt(libc::M_ARENA_MAX, 1);
            if std::env::var_os(LARGE_PAGES).is_none() {
                std::env::set_var(LARGE_PAGES, "1");
            }
        }
    }
}
