//! x86-64 machine code, as much of it as scripts need (Intel SDM volume 2).
//!
//! Everything that code refers to lies below 2 GiB, so that every address is a 32-bit one.

/// A register by its number in an instruction.
#[derive(Clone, Copy)]
pub(crate) enum Reg {
    Rax = 0,
    Rdx = 2,
    Rsi = 6,
    Rdi = 7,
    R8 = 8,
    R10 = 10,
}

/// Bytes of code that will stand at an address that is not known yet: jumps are relative.
#[derive(Default)]
pub(crate) struct Code {
    bytes: Vec<u8>,
}

impl Code {
    pub(crate) fn new() -> Code {
        Code::default()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Code {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn word(&mut self, word: u32) -> &mut Code {
        self.raw(&word.to_le_bytes())
    }

    /// `mov reg, value`
    pub(crate) fn set(&mut self, reg: Reg, value: u64) -> &mut Code {
        let number = reg as u8;
        self.raw(&[0x48 | (number >> 3), 0xb8 | (number & 7)]).raw(&value.to_le_bytes())
    }

    /// `push value`
    pub(crate) fn push(&mut self, value: i32) -> &mut Code {
        self.raw(&[0x68]).word(value.cast_unsigned())
    }

    /// `call` of the next instruction: a branch, which pushes that instruction's address.
    pub(crate) fn call_next(&mut self) -> &mut Code {
        self.raw(&[0xe8]).word(0)
    }

    /// `call` of a routine, if this code will stand at `base`.
    pub(crate) fn call(&mut self, base: u64, routine: u64) -> &mut Code {
        let next = base + self.len() + 5;
        let distance = routine.wrapping_sub(next);
        self.raw(&[0xe8]).word(u32::try_from(distance & 0xffff_ffff).unwrap_or_default())
    }

    /// Runs in circles until the byte at `flag` is not 0.
    pub(crate) fn spin(&mut self, flag: u32) -> &mut Code {
        // again: cmp byte [flag], 0; jne +4; pause; jmp again
        self.raw(&[0x80, 0x3c, 0x25]).word(flag).raw(&[0, 0x75, 0x04, 0xf3, 0x90, 0xeb, 0xf2])
    }

    /// The system call `number` with these arguments.
    pub(crate) fn syscall(&mut self, number: u64, args: &[u64]) -> &mut Code {
        let order = [Reg::Rdi, Reg::Rsi, Reg::Rdx, Reg::R10, Reg::R8];
        for (reg, value) in order.into_iter().zip(args) {
            self.set(reg, *value);
        }
        self.set(Reg::Rax, number).raw(&[0x0f, 0x05])
    }

    /// `test rax, rax; jnz over`, where `over` is the end of `inner`, which is put in between.
    pub(crate) fn unless_zero_skip(&mut self, inner: &Code) -> &mut Code {
        self.raw(&[0x48, 0x85, 0xc0, 0x0f, 0x85]).word(u32::try_from(inner.len()).unwrap_or_default());
        self.raw(&inner.bytes)
    }

    /// `mov r15, block; mov qword [r15 + 8], 1`: the code of a new thread says that it runs.
    pub(crate) fn start_in(&mut self, block: u64) -> &mut Code {
        self.raw(&[0x49, 0xbf]).raw(&block.to_le_bytes()).raw(&[0x49, 0xc7, 0x47, 0x08, 1, 0, 0, 0])
    }

    /// `mov edi, [r15]`: the thread's own id as the first argument.
    pub(crate) fn own_id(&mut self) -> &mut Code {
        self.raw(&[0x41, 0x8b, 0x3f])
    }

    /// `ret`
    pub(crate) fn ret(&mut self) -> &mut Code {
        self.raw(&[0xc3])
    }

    /// `mov edi, mark`
    pub(crate) fn set_mark(&mut self, mark: u32) -> &mut Code {
        self.raw(&[0xbf]).word(mark)
    }
}

/// The routine that handlers call with a mark in edi: it goes to the block's second log, with the number of
/// entries that the first one has by then.
pub(crate) fn mark_in_handler() -> Code {
    let mut code = Code::new();
    code.raw(&[
        0x49, 0x8b, 0x47, 0x20, // mov rax, [r15 + 0x20]: the log's top
        0x48, 0x83, 0xe8, 0x08, // look: sub rax, 8
        0x48, 0x83, 0x38, 0x00, // cmp qword [rax], 0
        0x75, 0xf6, // jne look
        0x49, 0x8b, 0x4f, 0x20, // mov rcx, [r15 + 0x20]
        0x48, 0x29, 0xc1, // sub rcx, rax
        0x48, 0xc1, 0xe9, 0x03, // shr rcx, 3
        0x48, 0xff, 0xc9, // dec rcx
        0x48, 0xc1, 0xe1, 0x20, // shl rcx, 32
        0x48, 0x09, 0xf9, // or rcx, rdi
        0x49, 0x8b, 0x47, 0x18, // mov rax, [r15 + 0x18]: how many marks
        0x49, 0x89, 0x8c, 0xc7, 0x80, 0x00, 0x00, 0x00, // mov [r15 + rax * 8 + 0x80], rcx
        0x49, 0xff, 0x47, 0x18, // inc qword [r15 + 0x18]
        0xc3, // ret
    ]);
    code
}

/// `mov eax, 15; syscall`: rt_sigreturn(2), for `SA_RESTORER`.
pub(crate) fn restorer() -> Code {
    let mut code = Code::new();
    code.raw(&[0xb8, 15, 0, 0, 0, 0x0f, 0x05]);
    code
}
