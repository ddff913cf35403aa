/** What the commands share that ask the service about a job. */
import type { JobDone, JobRequest, VoContext } from '../../src/index.js'
import { loadLibrary, VoboxCommand, type VoFlags } from './vobox-command.js'

export abstract class JobCommand extends VoboxCommand {
  /** Undefined: it failed, and `--terse` has said so as the C client does. */
  protected async askJob(
    request: JobRequest,
    flags: VoFlags & { terse: boolean },
  ): Promise<{ vo: VoContext; done: JobDone } | undefined> {
    const { asCClientSays, askJob, interruption, isVoboxError } = await loadLibrary()
    try {
      const vo = await this.openOwnVo(flags)
      const asking = { environment: process.env, signal: interruption() }
      return { vo, done: await askJob(vo, request, asking) }
    } catch (error) {
      if (!flags.terse || !isVoboxError(error)) throw error
      process.stderr.write(asCClientSays(request.command, error))
      process.exitCode = 1
      return undefined
    }
  }
}
