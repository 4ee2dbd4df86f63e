//! A root that holds only what may be read, read-only: no /proc, no /dev, no /etc, and no way back to the old one.

use crate::report::{Failure, Layer, OrFailure};
use rustix::fs::{Mode, OFlags, open};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, mount_remount, unmount};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

const LAYER: Layer = Layer::Root;
/// Any folder will do to build the new root on: only this process sees it.
const PLACE: &str = "/tmp";
const LOCKED: MountFlags = MountFlags::RDONLY.union(MountFlags::NOSUID).union(MountFlags::NODEV);

/// Makes the paths the only ones there are. What is named by a symbolic link is found there itself.
pub fn enter(paths: &[PathBuf]) -> Result<(), Failure> {
    // All are opened first, since the new root may hide some.
    let sources = paths.iter().map(|path| Source::open(path)).collect::<Result<Vec<_>, _>>()?;
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    mount_change("/", private).or_failure(LAYER, "make mounts private")?;
    let options = c"size=64k,nr_inodes=2048,mode=755";
    mount("cell", PLACE, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(options)).or_failure(LAYER, "mount")?;
    for source in &sources {
        source.bind()?;
    }
    drop(sources);
    mount_remount(PLACE, MountFlags::BIND | LOCKED, c"").or_failure(LAYER, "remount")?;
    rustix::process::chdir(PLACE).or_failure(LAYER, "chdir")?;
    rustix::process::pivot_root(".", ".").or_failure(LAYER, "pivot_root")?;
    unmount(".", UnmountFlags::DETACH).or_failure(LAYER, "unmount")?;
    rustix::process::chdir("/").or_failure(LAYER, "chdir")
}

struct Source<'a> {
    path: &'a Path,
    opened: OwnedFd,
}

impl Source<'_> {
    fn open(path: &Path) -> Result<Source<'_>, Failure> {
        let opened = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        Ok(Source { path, opened: opened.or_failure(LAYER, &path.display().to_string())? })
    }

    fn bind(&self) -> Result<(), Failure> {
        let what = self.path.display().to_string();
        let target = Path::new(PLACE).join(self.path.strip_prefix("/").unwrap_or(self.path));
        let handle = PathBuf::from(format!("/proc/self/fd/{}", self.opened.as_raw_fd()));
        if handle.is_dir() {
            std::fs::create_dir_all(&target).or_failure(LAYER, &what)?;
        } else {
            std::fs::create_dir_all(target.parent().unwrap_or(&target)).or_failure(LAYER, &what)?;
            std::fs::File::create(&target).or_failure(LAYER, &what)?;
        }
        mount_bind(&handle, &target).or_failure(LAYER, &what)?;
        // RELATIME is locked in a user namespace, so it has to be said again.
        mount_remount(&target, MountFlags::BIND | LOCKED | MountFlags::RELATIME, c"").or_failure(LAYER, &what)
    }
}
