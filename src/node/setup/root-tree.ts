/**
 * Directories and files of root's, brought into the state that is wanted. What is as it should be is
 * left alone; every step is noted; with `dryRun` none is taken.
 *
 * Nothing is touched on whose way there is anything that others than root can change.
 */
import { rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { FileFacts, Files } from '../../ports/files.js'
import { requireRootOnly } from '../compose/root-only.js'
import type { SetupAction, SetupStep } from './setup-request.js'

const DIRECTORY_MODE = 0o755
const MAX_BYTES = 1024 * 1024

export interface WantedFile {
  path: string
  content: string
  mode: number
  /** Never changed once it is there: the administrator's own. */
  keep?: boolean
}

export class RootTree {
  readonly steps: SetupStep[] = []
  readonly #files: Files
  readonly #dryRun: boolean
  /** Directories that would have been made. */
  readonly #imagined = new Set<string>()

  readonly #onStep: (step: SetupStep) => void

  constructor(files: Files, dryRun: boolean, onStep: (step: SetupStep) => void = () => undefined) {
    this.#files = files
    this.#dryRun = dryRun
    this.#onStep = onStep
  }

  /** Notes a step, then takes it unless this is a rehearsal. */
  async step(
    action: SetupAction,
    target: string,
    detail: string | undefined,
    take: () => void | Promise<void>,
  ): Promise<void> {
    if (!this.#dryRun) await take()
    const step = { action, target, ...(detail !== undefined && { detail }) }
    this.steps.push(step)
    this.#onStep(step)
  }

  /** Makes a directory of root's, 0755, and those above it. Rejects with `FILE_UNSAFE`. */
  async directory(path: string): Promise<void> {
    if (this.#imagined.has(path)) return
    const facts = await this.#files.facts(path)
    if (facts !== undefined) {
      requireRootOnly(path, true)
      return
    }
    await this.directory(dirname(path))
    await this.step('make', path, 'root, 0755', () =>
      this.#files.makeDirectory(path, DIRECTORY_MODE),
    )
    if (this.#dryRun) this.#imagined.add(path)
  }

  /** Writes a file of root's, unless it says that already. */
  async file(wanted: WantedFile): Promise<boolean> {
    const { path, content, mode, keep = false } = wanted
    await this.directory(dirname(path))
    const facts = await this.#files.facts(path)
    if (facts !== undefined && (keep || (await this.#isAs(wanted, facts)))) return false
    if (facts?.kind === 'directory') {
      throw new VoboxError('FILE_UNSAFE', `${printable(path)} is a directory`, { data: { path } })
    }
    const detail = `root, 0${mode.toString(8)}`
    await this.step(facts === undefined ? 'make' : 'change', path, detail, () =>
      this.#files.replace(path, Buffer.from(content), { mode }),
    )
    return true
  }

  /** @returns whether anything was there. */
  async removeFile(path: string): Promise<boolean> {
    if ((await this.#files.facts(path)) === undefined) return false
    requireRootOnly(dirname(path), true)
    await this.step('remove', path, undefined, async () => {
      await this.#files.remove(path)
    })
    return true
  }

  /** Removes a directory that is empty, or will be when the steps before are taken. */
  async removeEmptyDirectory(path: string): Promise<void> {
    if ((await this.#files.facts(path))?.kind !== 'directory') return
    requireRootOnly(dirname(path), true)
    await this.step('remove', path, undefined, () => rmdirSync(path))
  }

  async #isAs({ path, content, mode }: WantedFile, facts: FileFacts): Promise<boolean> {
    if (facts.kind !== 'file' || facts.uid !== 0 || (facts.mode & 0o7777) !== mode) return false
    try {
      const rules = { maxBytes: MAX_BYTES, owners: [0], forbiddenMode: 0o022 }
      return (await this.#files.read(path, rules)).bytes.equals(Buffer.from(content))
    } catch (error) {
      if (isVoboxError(error)) return false
      throw error
    }
  }
}
