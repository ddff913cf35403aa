/** The newest valid proxy of several registrations, for services that want one that works. */
import { VoboxError } from '../../errors.js'
import type { Registration } from '../../registry/registration.js'
import type { QuerySources } from './query-blocks.js'
import { glanceAtProxy } from './query-glance.js'

/**
 * Full path of the file that was replaced last and still lives, as `ls -t` would show it first.
 *
 * @throws VoboxError `NO_VALID_PROXY`, with what is wrong with the newest one.
 */
export async function findNewestValid(
  sources: QuerySources,
  registrations: readonly Pick<Registration, 'fileName'>[],
): Promise<string> {
  const wanted = new Set(registrations.map(({ fileName }) => fileName))
  const problems: string[] = []
  for (const { fileName } of await sources.repository.newestFirst((name) => wanted.has(name))) {
    const problem = await problemOf(sources, fileName)
    if (problem === undefined) return sources.repository.path(fileName)
    problems.push(`${sources.repository.path(fileName)}: ${problem}`)
  }
  throw noneValid(wanted.size, problems)
}

async function problemOf(sources: QuerySources, fileName: string): Promise<string | undefined> {
  try {
    const { bytes } = await sources.repository.readBytes(fileName)
    const { notBefore, effectiveEnd } = glanceAtProxy(bytes)
    if (effectiveEnd <= sources.now) return 'it has expired'
    return notBefore > sources.now + SKEW_SECONDS ? 'it is not valid yet' : undefined
  } catch (error) {
    if (error instanceof VoboxError) return error.message
    throw error
  }
}

/** Clocks that issued a proxy may run ahead of ours by this much. */
const SKEW_SECONDS = 300

function noneValid(registered: number, problems: readonly string[]): VoboxError {
  const [newest] = problems
  const found = newest === undefined ? 'none has a proxy file' : newest
  const message =
    registered === 0
      ? 'no registration matches, so there is no proxy'
      : `none of ${registered} matching registrations has a valid proxy (${found})`
  return new VoboxError('NO_VALID_PROXY', message, {
    hint: 'vobox-proxy query --table says why; vobox-proxy register makes it right',
    data: { registered, problems },
  })
}
