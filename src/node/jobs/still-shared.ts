/**
 * Jobs end while somebody looks at them: a proxy whose file was gone when it was read may have gone
 * with its last job, which is no trouble.
 */
import { readJobs } from '../../jobs/job-store.js'
import type { VoContext } from '../compose/compose.js'

/**
 * Those of `items` that somebody still shares, in their order. The journal is read only where one
 * asks for it.
 *
 * @param lost the job proxy of an item that could not be found; undefined for any other item.
 * @throws VoboxError `FILE_…` of the journal.
 */
export async function stillShared<T>(
  { files, paths, directory }: Pick<VoContext, 'files' | 'paths' | 'directory'>,
  items: readonly T[],
  lost: (item: T) => string | undefined,
): Promise<T[]> {
  if (items.every((item) => lost(item) === undefined)) return [...items]
  const book = await readJobs({ files, directory: paths.directory, owners: [directory.uid] })
  return items.filter((item) => {
    const fileName = lost(item)
    return fileName === undefined || book.get(fileName) !== undefined
  })
}
