# timeout: 300
# A just-in-time compiler inside: the project's own Node.js.
"$NODE" -e '
const { createHash } = require("node:crypto");
console.log(createHash("sha256").update("x".repeat(100000)).digest("hex"));
const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
console.log(fib(24), process.argv.length, typeof WebAssembly);
setImmediate(() => { console.log("immediate"); setTimeout(() => console.log("later"), 30); });
Promise.resolve().then(() => console.log("microtask"));
require("node:fs").writeFileSync("f", "written\n");
console.log(require("node:child_process").execSync("cat f; echo $((6 * 7))").toString());
try { null.x } catch (e) { console.log(e.message) }
console.log([10, 9, 1].sort(), 2n ** 100n, /(?<year>\d{4})/.exec("in 1991").groups.year, new Date(0).toISOString());
process.exitCode = 5;'
echo "status $?"
"$NODE" -e '
const { Worker, isMainThread } = require("node:worker_threads");
const shared = new SharedArrayBuffer(4), words = new Int32Array(shared);
let left = 2;
for (let i = 0; i < 2; i++)
  new Worker("const { workerData } = require(\"node:worker_threads\"); const w = new Int32Array(workerData); for (let i = 0; i < 1000; i++) Atomics.add(w, 0, 1);", { eval: true, workerData: shared })
    .on("exit", () => { if (--left === 0) console.log(words[0]); });'
