/**
 * The init script, run by root with an `/etc` of its own, over a VO directory of another account's.
 * Only for tests that are root and may mount; see `mayMount`.
 */
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { spawnSync } from './bounded.js'
import { temporaryDirectory } from './temporary-directory.js'

export const INIT_SCRIPT = resolve('init.d/vo-box-proxyrenewal')

/** An account that every system has. */
export const INIT_ADMIN = { name: 'daemon', uid: 1 } as const

/** What makes accounts and programs work below another `/etc`. */
const KEPT = ['passwd', 'group', 'nsswitch.conf', 'ld.so.cache']

/** No service takes longer to start or stop on a busy machine, in milliseconds. */
const DEADLINE_MS = 60_000

let made = 0

export class InitScriptBox {
  /** No service of this VO runs here, whatever else does. */
  readonly vo = `init-${process.pid}-${++made}`
  readonly directory: string
  /** What the script sees as `/etc`. */
  readonly etc: string
  readonly root: string
  readonly voDirectory: string
  /** The script under the name that says which VO it serves. */
  readonly script: string

  private constructor(directory: string) {
    this.directory = directory
    this.etc = join(directory, 'etc')
    this.root = join(directory, 'root')
    this.voDirectory = join(this.root, this.vo)
    this.script = join(directory, `${this.vo}-box-proxyrenewal`)
  }

  /** Removed when the test ends, its system pid file included. */
  static async make(): Promise<InitScriptBox> {
    const directory = await temporaryDirectory()
    chmodSync(directory, 0o755)
    const box = new InitScriptBox(directory)
    for (const path of [join(box.etc, 'vobox-proxy/vo'), box.voDirectory]) {
      mkdirSync(path, { recursive: true })
    }
    for (const name of KEPT) {
      if (existsSync(join('/etc', name))) copyFileSync(join('/etc', name), join(box.etc, name))
    }
    copyFileSync(INIT_SCRIPT, box.script)
    chownSync(box.voDirectory, INIT_ADMIN.uid, INIT_ADMIN.uid)
    box.set(`VO_ADMIN=${INIT_ADMIN.name}`, `VOBOX_PROXY_ROOT='${box.root}'`)
    onTestFinished(() => rmSync(box.systemPidFile, { force: true }))
    return box
  }

  /** Adds lines to the file in which the script finds its settings. */
  set(...lines: string[]): void {
    const file = join(this.etc, `vobox-proxy/vo/${this.vo}.sh`)
    appendFileSync(file, lines.map((line) => `${line}\n`).join(''))
  }

  /** A program that the script can call: the text of a shell script. */
  putProgram(name: string, text: string): string {
    const path = join(this.directory, name)
    writeFileSync(path, `#!/bin/sh\n${text}\n`)
    chmodSync(path, 0o755)
    return path
  }

  get systemPidFile(): string {
    return `/var/run/vobox_${this.vo}_renewd.pid`
  }

  get ownPidFile(): string {
    return join(this.voDirectory, `vobox_${this.vo}_renewd.pid`)
  }

  /** Runs the script to its end. */
  run(action: string, env: Readonly<Record<string, string>> = {}) {
    const inside = 'mount --bind "$1" /etc && exec sh "$2" "$3"'
    const words = ['-m', 'sh', '-c', inside, 'sh', this.etc, this.script, action]
    return spawnSync('unshare', words, {
      encoding: 'utf8',
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL',
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...env },
    })
  }
}
