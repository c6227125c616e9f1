/** Loaded with `node --import`: ends the process, as `kill -9` does, when it has printed what KILL_AT says. */
const wanted = process.env.KILL_AT
for (const stream of wanted ? [process.stdout, process.stderr] : []) {
  stream.write = new Proxy(stream.write, {
    apply(write, self, given) {
      const went = Reflect.apply(write, self, given)
      if (String(given[0]).includes(String(wanted))) process.kill(process.pid, 'SIGKILL')
      return went
    },
  })
}
