from . import datasets as datasets
from . import encoders as encoders
from . import export as export
from .bits import PackedBits as PackedBits
from .bits import pack as pack
from .encoders import CategoryEncoder as CategoryEncoder
from .encoders import ImageEncoder as ImageEncoder
from .encoders import MedianBinarizer as MedianBinarizer
from .encoders import ObliqueEncoder as ObliqueEncoder
from .encoders import SignalEncoder as SignalEncoder
from .encoders import TableEncoder as TableEncoder
from .encoders import TextEncoder as TextEncoder
from .encoders import ThermometerEncoder as ThermometerEncoder
from .errors import BitlocalError as BitlocalError
from .errors import DataError as DataError
from .errors import ModelFileError as ModelFileError
from .errors import PipelineError as PipelineError
from .estimator import BMLPClassifier as BMLPClassifier
from .files.model import load as load
from .files.model import save as save
from .pipelines import fold as fold
from .processor import use_instruction_set as use_instruction_set
from .single_layer import SingleLayerClassifier as SingleLayerClassifier

__version__: str
