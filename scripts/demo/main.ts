/** Runs the demo, and leaves nothing behind: no file, no process, whether it ends well or by ^C. */
import { DemoFailure, Narrator } from './narrator.js'
import { Stage } from './stage.js'
import { playStory } from './story.js'

/** The whole demo, from the first key to the last file removed, in milliseconds. */
const DEADLINE_MS = 90_000

/** Exit status after ^C, as shells count it. */
const INTERRUPTED = 130

/** @param home root of the project. Returns the exit status. */
export async function runDemo(home: string): Promise<number> {
  const stage = await Stage.build()
  const narrator = new Narrator([[stage.directory, '$DEMO']])
  let status = 0
  const interrupt = () => {
    status = INTERRUPTED
    stage.interrupt(new DemoFailure('interrupted'))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  const timer = setTimeout(() => {
    stage.interrupt(new DemoFailure(`it took longer than ${DEADLINE_MS / 1000} s`))
  }, DEADLINE_MS)
  try {
    await playStory(stage, narrator, home)
    narrator.done()
  } catch (error) {
    status ||= 1
    narrator.failed(stage.signal.aborted ? stage.signal.reason : error)
  } finally {
    clearTimeout(timer)
    await stage.clear()
  }
  return status
}
