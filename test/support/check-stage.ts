/**
 * Boxes for `check`: each well when it is made, beside Debian's `myproxy-server` and a mail server, so that
 * a test breaks one thing in it and looks what is said.
 */
import { chmodSync, copyFileSync, cpSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { encodeCredential } from '../../src/proxy/credential.js'
import type { Finding } from '../../src/renewal/checking/finding.js'
import { addProxy, realNow } from './pki.js'
import type { RealGrid } from './real-peers.js'
import { putRegistered, type RegisteredOptions } from './registered.js'
import { DAY, HOUR } from './time.js'
import { VoBox } from './vo-box.js'

/** What `check --json` prints. */
export interface CheckReport {
  ok: boolean
  findings: Finding[]
}

/** A box as it is before something in it is broken. */
export interface Stage {
  box: VoBox
  trust: string
  hostKey: string
  servers: string[]
  settings: RegisteredOptions
  /** Lines of the section [mail]. */
  mail: string
}

export class Stages {
  readonly #grid: RealGrid
  readonly #smtpPort: number
  readonly #boxes: VoBox[] = []
  #number = 0

  /** Boxes lie in the directory of the grid, and send their mail to a port of 127.0.0.1. */
  constructor(grid: RealGrid, smtpPort: number) {
    this.#grid = grid
    this.#smtpPort = smtpPort
  }

  /** Another box, in which `change` may change what is written after it. */
  async make(change: (stage: Stage) => void | Promise<void> = () => {}): Promise<Stage> {
    const grid = this.#grid
    const number = ++this.#number
    const box = new VoBox(grid.directory, {
      vo: `check-${number}-${process.pid}`,
      config: '',
      kept: true,
    })
    this.#boxes.push(box)
    const trust = join(grid.directory, `trust-${number}`)
    cpSync(grid.trustDirectory, trust, { recursive: true, verbatimSymlinks: true })
    const hostKey = join(grid.directory, `host-key-${number}`)
    copyFileSync(grid.hosts.vobox.keyPath, hostKey)
    chmodSync(hostKey, 0o400)
    const made: Stage = {
      box,
      trust,
      hostKey,
      servers: [`localhost:${grid.server.port}`],
      settings: {},
      mail: `transport = "smtp"\n[mail.smtp]\nhost = "127.0.0.1"\nport = ${this.#smtpPort}`,
    }
    this.putMachineProxy(made, 24)
    await change(made)
    this.#write(made)
    return made
  }

  #write({ box, trust, mail, servers, settings: given }: Stage): void {
    box.configure(`[keys]\nkind = "p256"\n[trust]\ndirectory = "${trust}"\n[mail]\n${mail}\n`)
    const { settings, ...options } = given
    putRegistered(box, [
      {
        user: this.#grid.users.alice.credential,
        ...options,
        settings: {
          servers,
          lifetimeSeconds: 48 * HOUR,
          myproxySafeSeconds: DAY,
          ...settings,
        },
      },
    ])
  }

  /** A machine proxy that ends in some hours; one of -2 hours ended two hours ago. */
  putMachineProxy({ box }: Stage, hours: number): void {
    const now = realNow()
    const ends = hours > 0 ? { hours } : { notBefore: now - DAY, notAfter: now + hours * HOUR }
    const proxy = addProxy(this.#grid.hosts.vobox.credential, { ...ends, pathLength: 0 })
    const path = box.put(`machine-of-${box.vo}`, encodeCredential(proxy), 0o400)
    rmSync(box.paths.machineProxy, { force: true })
    renameSync(path, box.paths.machineProxy)
  }

  /** Ends what runs in the boxes made so far. */
  async close(): Promise<void> {
    for (const box of this.#boxes.splice(0)) await box.close()
  }
}
