/** The site's hooks for an open VO. */
import { AgentsLog } from '../../agents/agents-log.js'
import type { ProxyFiles } from '../../repository/proxy-files.js'
import { Hooks } from '../service/hooks.js'
import { cleanEnvironment } from './account-environment.js'
import { closeInherited } from './close-inherited.js'
import type { VoContext } from './compose.js'

type Environment = Readonly<Record<string, string | undefined>>

type HooksContext = Pick<
  VoContext,
  'vo' | 'files' | 'clock' | 'journal' | 'paths' | 'config' | 'events'
> & { repository: Pick<ProxyFiles, 'path'> }

/** Loads execa only here: most commands have no use for it. */
export async function hooksFor(vo: HooksContext, environment: Environment): Promise<Hooks> {
  const { nodeRunner } = await import('../ports/runner.js')
  closeInherited()
  const { files, clock, journal, paths } = vo
  return new Hooks({
    vo: vo.vo,
    clock,
    journal,
    events: vo.events,
    log: new AgentsLog({ files, clock, journal, path: paths.agentsLog }),
    runner: nodeRunner,
    config: vo.config.hooks,
    pathOf: (fileName) => vo.repository.path(fileName),
    environment: cleanEnvironment(environment),
  })
}

export interface VoWithHooks extends VoContext {
  /** Waits for the hooks of all that was renewed; once `signal` aborts, ends them instead. */
  hooksSettled(signal: AbortSignal): Promise<void>
}

/** A VO whose renewals run the site's hooks, for a command that renews by itself. */
export async function withHooks(vo: VoContext, environment: Environment): Promise<VoWithHooks> {
  const hooks = await hooksFor(vo, environment)
  const onRenewed: VoContext['onRenewed'] = (renewed) => hooks.renewed(renewed)
  const hooksSettled = async (signal: AbortSignal) => {
    const end = () => void hooks.close(0)
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    await hooks.settled()
    signal.removeEventListener('abort', end)
  }
  return { ...vo, onRenewed, hooksSettled }
}
