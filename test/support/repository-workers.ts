/** Processes that work on one store of credentials at once (`repository-in-process.ts`). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const DEADLINE_MS = 60_000

/**
 * Four processes, `a` to `d`, that begin `work` together, and what each says in the end.
 *
 * @param script the bundled script.
 * @param directories the store as they see it: they take them in turn.
 */
export async function repositoryWorkers(
  script: string,
  directories: readonly string[],
  work: string,
  count: number,
): Promise<string[]> {
  const children = ['a', 'b', 'c', 'd'].map((name, index) => {
    const directory = directories[index % directories.length] ?? ''
    return spawn(process.execPath, [script, work, directory, name, String(count)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL',
    })
  })
  const said = children.map(async (child) => {
    let words = ''
    child.stdout.on('data', (part) => (words += part))
    await once(child, 'close')
    return words
  })
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')))
  for (const { stdin } of children) stdin.end()
  return (await Promise.all(said)).map((words) => words.replace('ready ', ''))
}
