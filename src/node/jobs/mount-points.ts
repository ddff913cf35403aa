/**
 * Who must answer when a path is looked at, found out without asking a file system that may not.
 *
 * Links are followed as the kernel follows them, for `/home` is often one to `/nfs/home`; but only on
 * disks of this machine, and never into a mount of another kind: a look there may never end, and this
 * one would take the whole process with it.
 */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '../../ports/clock.js'

/** File systems that need nobody else to answer. */
const LOCAL = new Set(
  'btrfs devtmpfs ext2 ext3 ext4 f2fs jfs overlay proc ramfs squashfs sysfs tmpfs xfs zfs'.split(
    ' ',
  ),
)

/** As many as Linux follows on one way (`path_resolution(7)`). */
const MAX_LINKS = 40

/** What was found out stands for so long: each proxy that is handed over is looked at twice. */
const STANDS_MS = 1000

const readMounts = () => readFileSync('/proc/self/mountinfo', 'utf8')

interface Mount {
  isLocal: boolean
  /** The server, of which one may have many exports here; else the mount point. */
  answers: string
}

export class MountPoints {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #read: () => string
  #learntMs = Number.NEGATIVE_INFINITY
  /** By mount point. */
  #mounts: ReadonlyMap<string, Mount> = new Map()
  readonly #known = new Map<string, string | undefined>()

  /** @param read what is mounted now, as `/proc/self/mountinfo` has it (`proc(5)`). */
  constructor(clock: Pick<Clock, 'monotonicMs'>, read: () => string = readMounts) {
    this.#clock = clock
    this.#read = read
  }

  /**
   * The server of the file system that an absolute path leads to, or its mount point where it has none;
   * as of a second ago. Undefined where mounts cannot be read.
   */
  of(path: string): string | undefined {
    this.#learn()
    if (this.#known.has(path)) return this.#known.get(path)
    const answers = this.#follow(path)?.answers
    this.#known.set(path, answers)
    return answers
  }

  #follow(path: string): Mount | undefined {
    let links = 0
    const left = stepsOf(path)
    let at = '/'
    for (let step = left.shift(); step !== undefined; step = left.shift()) {
      const next = step === '..' ? dirname(at) : join(at, step)
      const mount = this.#above(next)
      if (!mount?.isLocal) return mount
      const target = linkAt(next)
      if (target === undefined) {
        at = next
        continue
      }
      links += 1
      if (links > MAX_LINKS) break
      left.unshift(...stepsOf(target))
      if (target.startsWith('/')) at = '/'
    }
    return this.#above(at)
  }

  #learn(): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#learntMs < STANDS_MS) return
    this.#learntMs = nowMs
    this.#known.clear()
    try {
      this.#mounts = parseMounts(this.#read())
    } catch {
      this.#mounts = new Map()
    }
  }

  /** The nearest mount at or above a path in which no link is left. */
  #above(path: string): Mount | undefined {
    for (let at = path; ; at = dirname(at)) {
      const mount = this.#mounts.get(at)
      if (mount !== undefined || at === '/') return mount
    }
  }
}

/** Of two that are mounted at one place, the later one is seen. */
function parseMounts(text: string): ReadonlyMap<string, Mount> {
  const mounts = new Map<string, Mount>()
  for (const line of text.split('\n')) {
    const [front = '', back = ''] = line.split(' - ')
    const field = front.split(' ')[4]
    if (field === undefined) continue
    const place = unescaped(field)
    const [kind = '', source = ''] = back.split(' ')
    const isLocal = LOCAL.has(kind)
    mounts.set(place, { isLocal, answers: (!isLocal && serverOf(source)) || place })
  }
  return mounts
}

/** Of `server:/export`, as NFS has it and others, or of `//server/share`. */
function serverOf(source: string): string | undefined {
  const [, ofExport, ofShare] = /^(?:([^/]+):\/|\/\/([^/]+)\/)/.exec(source) ?? []
  return ofExport ?? ofShare
}

/** A space, a tabulator, a line feed and a backslash are written in octal. */
function unescaped(place: string): string {
  return place.replace(/\\([0-7]{3})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}

function linkAt(path: string): string | undefined {
  try {
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
    return isLink ? readlinkSync(path) : undefined
  } catch {
    return undefined
  }
}

function stepsOf(path: string): string[] {
  return path.split('/').filter((step) => step !== '' && step !== '.')
}
