// Answers with a file read by the thread pool, after a timer.
const [, , port, folder] = process.argv;
const { readFile } = require('fs');
require('http')
  .createServer((request, response) =>
    setTimeout(() => readFile(`${folder}/index.html`, (error, text) => {
      response.statusCode = error ? 500 : 200;
      response.end(text);
    }), 1))
  .listen(Number(port), '127.0.0.1');
