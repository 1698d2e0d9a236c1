"""The texts of a generated table, kept as offsets into one text: pointers
would be relocated, and their pages copied, in every process."""


def quoted(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


class TextPool:
    """Offset 0 is no text at all (a null pointer's part)."""
    NONE = '{0, 0}'

    def __init__(self):
        self.texts = ['']
        self.size = 1
        self.known = {}

    def add(self, text):
        """A base/packed_text.h PackedText; each text is kept once."""
        length = len(text.encode())
        if text not in self.known:
            self.known[text] = self.size
            self.texts.append(text)
            self.size += length + 1
        if self.size >= 1 << 20 or length >= 1 << 12:
            raise ValueError('too much text for PackedText')
        return f'{{{self.known[text]}, {length}}}'

    def source(self, name):
        """Lines of C++: the pool, each text ended by NUL."""
        lines = [f'const char {name}[] =']
        lines += [f'    {quoted(text)[:-1]}\\0"' for text in self.texts]
        lines[-1] += ';'
        return lines
