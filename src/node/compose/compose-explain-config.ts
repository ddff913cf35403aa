/**
 * What `vobox-proxy config` shows. Commands take variables from their own environment alone; the init
 * script and cron read shell files before they start the service. Those files are not run here, only
 * looked at for variables of ours, so that a difference between the two can be seen.
 */
import { type EffectiveSetting, selectSettings } from '../../config/effective-settings.js'
import type { Setting } from '../../config/setting.js'
import { SETTINGS } from '../../config/settings.js'
import { isVoboxError } from '../../errors.js'
import type { Files } from '../../ports/files.js'
import { nodeFiles } from '../ports/files.js'
import { explainEffectiveConfig } from './compose-config.js'
import { currentUid } from './compose-login.js'

const DIRECTORY = '/etc'
const GRID_ENVIRONMENT = '/etc/profile.d/grid-env.sh'
const OF_ADMIN = /^[A-Za-z0-9_][-_.A-Za-z0-9]*-box-proxyrenewal$/

/** A shell file is a page or two. */
const MAX_BYTES = 256 * 1024

export interface ExplainedConfiguration {
  file: string | undefined
  settings: EffectiveSetting[]
  shellFiles: { path: string; variables: string[] }[]
  /** Variables of ours that this environment sets. */
  set: ReadonlySet<string>
}

/**
 * @param names settings or tables; none: all.
 * @param files for a test; also where `/etc` is.
 * @throws VoboxError `CONFIG_INVALID`; `USAGE` for a name that is no setting.
 */
export async function explainConfiguration(
  options: {
    configFile?: string | undefined
    environment: Readonly<Record<string, string | undefined>>
    names: readonly string[]
  },
  files: Files = nodeFiles,
): Promise<ExplainedConfiguration> {
  const { configFile, environment, names } = options
  const { settings, file } = await explainEffectiveConfig(
    files,
    environment,
    currentUid(),
    configFile,
  )
  const known = [...environmentVariables(SETTINGS), 'VOBOX_PROXY_CONFIG']
  return {
    file,
    settings: selectSettings(settings, names),
    shellFiles: await shellFilesOf(files, known),
    set: new Set(known.filter((name) => (environment[name] ?? '') !== '')),
  }
}

/** Names of variables that `text`, a shell file, sets where it stands by itself. */
export function variablesSetBy(text: string, known: readonly string[]): string[] {
  const found = [...text.matchAll(/^[ \t]*(?:(?:export|readonly)[ \t]+)?([A-Z][A-Z0-9_]*)=/gm)]
  return [...new Set(found.map(([, name = '']) => name))].filter((name) => known.includes(name))
}

function environmentVariables(settings: object): string[] {
  return Object.values(settings).flatMap((setting: Partial<Setting<unknown>> & object) => {
    if (typeof setting.parse !== 'function') return environmentVariables(setting)
    return setting.environment ?? []
  })
}

async function shellFilesOf(files: Files, known: readonly string[]) {
  const names = (await files.list(DIRECTORY)).filter((name) => OF_ADMIN.test(name)).sort()
  const paths = [GRID_ENVIRONMENT, ...names.map((name) => `${DIRECTORY}/${name}`)]
  const found: { path: string; variables: string[] }[] = []
  for (const path of paths) {
    try {
      const { bytes } = await files.read(path, { maxBytes: MAX_BYTES, followLinks: true })
      found.push({ path, variables: variablesSetBy(bytes.toString('utf8'), known) })
    } catch (error) {
      // What is not there, or not for us to read, sets nothing that could be told.
      if (!isVoboxError(error)) throw error
    }
  }
  return found
}
